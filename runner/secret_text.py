"""What the text of a secret is, wherever it comes from: environment, file, vault or the vault password itself.

One rule: line ends (CR, LF) at the beginning and at the end are no part of it; everything else is, blanks too. It is
the rule by which Ansible reads the vault password.
"""

from __future__ import annotations

LINE_ENDS = "\r\n"


def cleaned(text: str) -> str:
    """The secret of a text."""
    return text.strip(LINE_ENDS)


def flaw(text: str) -> str:
    """Why a cleaned text can be nobody's secret, or nothing: services get it as an environment variable."""
    if "\0" in text:
        return "holds a NUL byte"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not UTF-8 text"
    return ""
