"""What people write to get onto a host, checked one by one, with what to write instead. Pure; values are not echoed."""

from __future__ import annotations

import base64
import binascii
import re
from ipaddress import ip_address

from runner import readback
from runner.providers.ssh import jumps

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")
_PYTHON = re.compile(r"/[A-Za-z0-9._/+-]+")
_KEY_TYPE = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+")
_LENGTH = 4
"""Bytes before the type inside of a key, and before each word."""
_OPENSSH = b"openssh-key-v1\0"


def address(text: str) -> str:
    """A name, or an address of either kind. Raises ValueError, as all of these do."""
    if _HOST.fullmatch(text) or _is_ipv6(text):
        return text
    if "@" in text:
        msg = "names a user too; write it as user:"
    elif _is_ipv6(text.strip("[]")) or text.startswith("["):
        msg = "must be without brackets, and the port, if it is not 22, as port:"
    elif "%" in text:
        msg = "names an interface of this machine; write a name or an address that leads there from everywhere"
    elif text.count(":") == 1 and "/" not in text:
        msg = "names a port too; write it as port:"
    else:
        msg = "must be a name or an address, such as gpu.example.com, 192.0.2.10 or 2001:db8::10"
    raise ValueError(msg)


def user(text: str) -> str:
    """A name that ssh takes: of this host, or of a directory (ada.l, ada@corp.example)."""
    if not _USER.fullmatch(text):
        msg = "must be a user name: letters, digits and . _ - @, such as ubuntu"
        raise ValueError(msg)
    return text


def jump(text: str) -> str:
    """Another host: its name in the pool, or [user@]host[:port]."""
    if "," in text:
        msg = "names several hosts; put them into providers.ssh.hosts, each with the jump before it"
        raise ValueError(msg)
    found = jumps.parse(text)
    if found is None or not (_HOST.fullmatch(found["address"]) or _is_ipv6(found["address"])):
        msg = "must be a host of the pool, or [user@]host[:port]; an IPv6 address with a port needs brackets"
        raise ValueError(msg)
    return text


def key(text: str) -> str:
    """The file of a private key; empty: those of the agent."""
    if text.endswith(".pub"):
        msg = "is the public half; name the file without .pub"
        raise ValueError(msg)
    if text and readback.key_file(text) is not None:
        msg = "must be the path of a file: in one line, without quotation marks, $ and a hyphen in front"
        raise ValueError(msg)
    return text


def python(text: str) -> str:
    """The path of an interpreter on the host; empty: the usual one."""
    if text and not _PYTHON.fullmatch(text):
        msg = "must be the whole path of the host's Python, such as /usr/local/bin/python3.11"
        raise ValueError(msg)
    return text


def has_passphrase(content: bytes) -> bool:
    """Whether a private key needs one: OpenSSH's own format names its cipher, others say it in the open."""
    if b"ENCRYPTED" in content:
        return True
    body = b"".join(line for line in content.splitlines() if not line.startswith(b"-----"))
    try:
        inside = base64.b64decode(body)
    except binascii.Error:
        return False
    return inside.startswith(_OPENSSH) and inside[len(_OPENSSH) + _LENGTH :][:4] != b"none"


def host_key(text: str) -> str:
    """The public key of a host as its `/etc/ssh/ssh_host_…_key.pub` has it; empty: none is given."""
    if not text:
        return text
    if text.startswith(("SHA256:", "MD5:")):
        msg = "is a fingerprint; leave it out and write: runner trust HOST --fingerprint SHA256:…"
        raise ValueError(msg)
    kind, _, rest = text.strip().partition(" ")
    if "\n" in text.strip() or not _KEY_TYPE.fullmatch(kind) or not _is_key(kind, rest.partition(" ")[0]):
        msg = "must be a public key in one line, such as: ssh-ed25519 AAAAC3…; see: ssh-keyscan HOST"
        raise ValueError(msg)
    return text.strip()


def _is_ipv6(text: str) -> bool:
    try:
        return ip_address(text).version == 6 and "%" not in text  # noqa: PLR2004 - its name
    except ValueError:
        return False


def _is_key(kind: str, encoded: str) -> bool:
    """A key says its own type once more inside."""
    try:
        return base64.b64decode(encoded, validate=True)[_LENGTH:].startswith(kind.encode())
    except binascii.Error:
        return False
