"""Hashes of passwords by the C library of the host: what Python's own `crypt` did before it was removed."""

from __future__ import annotations

import base64
import ctypes
import ctypes.util
import secrets

ROUNDS = 10
"""As a power of two; the default of Go's bcrypt, about 0.05 s."""


def bcrypt(password, known=""):
    """The hash of a password: the one that is known when it fits, so that nothing changes, else a new one."""
    if known and _crypt(password, known) == known:
        return known
    # bcrypt writes base64 in an alphabet of its own; any 22 of its characters are a salt, the last one of four
    text = base64.b64encode(secrets.token_bytes(16)).decode()
    salt = text.replace("+", ".").replace("=", "")[:21] + secrets.choice(".Oeu")
    return _crypt(password, "$2b$%02d$%s" % (ROUNDS, salt))


def _crypt(password, setting):
    library = ctypes.CDLL(ctypes.util.find_library("crypt") or "libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    hashed = library.crypt(password.encode(), setting.encode())
    if not hashed or not hashed.startswith(b"$2"):
        raise OSError("the C library of this host knows no bcrypt")
    return hashed.decode()
