"""Fingerprints of OpenPGP public keys, so that a host without gpg can pin a key. Pure. Standard library only."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Iterator, List, Tuple

ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
PUBLIC_KEY = 6
VERSION_4 = 4


class KeyFileError(Exception):
    """This is no file of public keys."""


def primary_fingerprints(content: bytes) -> List[str]:
    """Of every key in the file, in upper-case hexadecimal. Subkeys are bound to their key and not listed."""
    found = []
    try:
        for tag, body in _packets(_dearmored(content)):
            if tag == PUBLIC_KEY:
                found.append(_fingerprint(body))
    except (IndexError, binascii.Error) as error:
        raise KeyFileError("it cannot be read as OpenPGP packets") from error
    if not found:
        raise KeyFileError("it contains no public key")
    return found


def _fingerprint(body: bytes) -> str:
    if body[0] != VERSION_4:
        raise KeyFileError("it contains a key of version %d; only version 4 is known" % body[0])
    return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()  # noqa: S324 - so RFC 4880


def _dearmored(content: bytes) -> bytes:
    """Binary form. A file may hold several armored blocks."""
    if ARMOR not in content:
        return content
    found = b""
    for block in content.split(ARMOR)[1:]:
        lines = [line.strip() for line in block.partition(b"-----END")[0].splitlines()]
        first = lines.index(b"", 1) if b"" in lines[1:] else 0  # headers such as Version: end with an empty line
        found += base64.b64decode(b"".join(line for line in lines[first:] if not line.startswith(b"=")))
    return found


def _packets(data: bytes) -> Iterator[Tuple[int, bytes]]:
    position = 0
    while position < len(data):
        header = data[position]
        if not header & 0x80:
            raise KeyFileError("it is neither armored nor binary OpenPGP")
        tag, length, position = _length(data, header, position + 1)
        if position + length > len(data):
            raise KeyFileError("it is cut off")
        yield tag, data[position : position + length]
        position += length


def _length(data: bytes, header: int, at: int) -> Tuple[int, int, int]:
    """(tag, length of the body, where it begins), for the new and the old form of packets."""
    if not header & 0x40:
        size = (1, 2, 4, 0)[header & 3]
        length = int.from_bytes(data[at : at + size], "big") if size else len(data) - at
        return (header >> 2) & 15, length, at + size
    tag, first = header & 0x3F, data[at]
    if first < 192:  # noqa: PLR2004 - the numbers of RFC 4880, 4.2.2
        return tag, first, at + 1
    if first < 224:  # noqa: PLR2004
        return tag, ((first - 192) << 8) + data[at + 1] + 192, at + 2
    if first == 255:  # noqa: PLR2004
        return tag, int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
    raise KeyFileError("it uses partial lengths, which key files do not")
