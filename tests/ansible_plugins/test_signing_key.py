"""Fingerprints of key files. The role `docker`'s molecule scenario compares with what gpg says of a key of its own."""

from __future__ import annotations

import base64
import hashlib

import pytest

from runner.ansible_plugins.module_utils.signing_key import KeyFileError, primary_fingerprints

KEY, OTHER, SUBKEY = (b"\x04" + bytes([number]) * 270 for number in (1, 2, 3))


def fingerprint(body: bytes) -> str:
    return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()  # noqa: S324 - so RFC 4880


def old(tag: int, body: bytes) -> bytes:
    return bytes([0x80 | tag << 2 | 1]) + len(body).to_bytes(2, "big") + body


def new(tag: int, body: bytes) -> bytes:
    size = len(body) - 192
    return bytes([0xC0 | tag, 192 + (size >> 8), size & 0xFF]) + body


def armored(content: bytes, *headers: bytes) -> bytes:
    lines = [b"-----BEGIN PGP PUBLIC KEY BLOCK-----", *headers, b"", base64.encodebytes(content).strip(), b"=abcd"]
    return b"\n".join([*lines, b"-----END PGP PUBLIC KEY BLOCK-----", b""])


@pytest.mark.parametrize(
    "content",
    [
        old(6, KEY),
        new(6, KEY),
        old(6, KEY) + old(13, b"a name") + old(14, SUBKEY),
        armored(old(6, KEY)),
        armored(new(6, KEY), b"Version: GnuPG v1", b"Comment: x"),
    ],
)
def test_one_key(content: bytes) -> None:
    assert primary_fingerprints(content) == [fingerprint(KEY)]


@pytest.mark.parametrize(
    "content",
    [old(6, KEY) + new(6, OTHER), armored(old(6, KEY)) + armored(old(6, OTHER)), armored(old(6, KEY) + old(6, OTHER))],
)
def test_every_key_counts(content: bytes) -> None:
    assert primary_fingerprints(content) == [fingerprint(KEY), fingerprint(OTHER)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no public key"),
        (b"<html>moved</html>", "neither armored nor binary"),
        (old(13, b"a name"), "no public key"),
        (old(6, KEY)[:-1], "cut off"),
        (old(6, b"\x06" + KEY[1:]), "version 6"),
        (bytes([0xC0 | 6, 0xE0]) + KEY, "partial"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nA", "cannot be read"),
    ],
)
def test_what_is_no_key(content: bytes, why: str) -> None:
    with pytest.raises(KeyFileError, match=why):
        primary_fingerprints(content)
