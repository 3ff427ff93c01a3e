"""The line of a program's log that tells why it ended, and the end of that log. Pure; standard library only.

Only forms that are known are taken for a reason; anything else is shown as it is, and left to who reads it.
"""

from __future__ import annotations

import re

READ, SHOWN = 200, 15
"""Lines that are looked through for the reason, and lines that are shown."""
LONGEST = 300
TRACEBACK = "Traceback (most recent call last):"
PANIC = re.compile(r"thread '.*' (\(\d+\) )?panicked at |panic: |fatal error: ")
THROWN = re.compile(r"(Uncaught |Exception in thread .*)?([\w$.]*(Error|Exception)\b.*)")
FRAME = re.compile(r"\s+at \S")
SAYS_ERROR = re.compile(r"(?i:\b(error|fatal)\W{0,2}:)|\b(ERROR|FATAL|CRITICAL)\b")


def reason(lines):
    """The telling line; empty where no line says of itself that it is one."""
    found = _traceback(lines) or _panic(lines) or _thrown(lines) or _first(lines, SAYS_ERROR)
    return found if len(found) <= LONGEST else found[:LONGEST] + "…"


def because(lines):
    """The same, to be put behind what was noticed from outside."""
    found = reason(lines)
    return ": " + found if found else ""


def end(lines):
    """The last lines that say something, as one text."""
    return "\n".join([line for line in lines if line.strip()][-SHOWN:])


def _traceback(lines):
    """Python's: the first line of the last traceback that is not indented. Loggers put the same words before each."""
    starts = [number for number, line in enumerate(lines) if TRACEBACK in line]
    for start in reversed(starts):
        before = lines[start].index(TRACEBACK)
        for line in lines[start + 1 :]:
            said = line[before:]
            if said[:1].strip() and line[:before].strip()[:1] == lines[start][:before].strip()[:1]:
                return said.strip()
    return ""


def _panic(lines):
    """Rust's and Go's. Rust says where, and what on the next line."""
    for number, line in enumerate(lines):
        found = PANIC.search(line)
        if found:
            more = lines[number + 1].strip() if line.rstrip().endswith(":") and number + 1 < len(lines) else ""
            return " ".join(filter(None, [line[found.start() :].strip(), more]))
    return ""


def _thrown(lines):
    """What Node and Java throw: a line with the kind of error, and lines that say where."""
    for line, after in zip(lines, lines[1:]):
        found = THROWN.match(line.strip())
        if found and FRAME.match(after):
            return found.group().strip()
    return ""


def _first(lines, wanted):
    return next((line.strip() for line in lines if wanted.search(line)), "")
