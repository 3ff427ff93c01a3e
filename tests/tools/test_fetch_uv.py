"""`tools/fetch_uv.py` against the real uv.lock, without the network."""

from __future__ import annotations

import hashlib
import io
import tomllib
import zipfile
from pathlib import Path

import pytest

from tools import fetch_uv


@pytest.fixture
def wheels() -> list[dict[str, str]]:
    locked = fetch_uv.package(tomllib.loads((fetch_uv.ROOT / "uv.lock").read_text()))
    return locked["wheels"]


@pytest.mark.parametrize(
    ("system", "machine", "libc", "tag"),
    [
        ("Linux", "x86_64", "glibc", "manylinux_2_17_x86_64"),
        ("Linux", "x86_64", "", "musllinux_1_1_x86_64"),
        ("Linux", "aarch64", "glibc", "manylinux_2_17_aarch64"),
        ("Linux", "aarch64", "", "musllinux_1_1_aarch64"),
        ("Darwin", "arm64", "", "macosx_11_0_arm64"),
    ],
)
def test_chooses_the_build_for_the_machine(wheels, system, machine, libc, tag) -> None:
    assert tag in fetch_uv.wheel(wheels, system, machine, libc)["url"]


def test_says_so_when_there_is_no_build(wheels) -> None:
    with pytest.raises(SystemExit, match="no uv for Linux on vax"):
        fetch_uv.wheel(wheels, "Linux", "vax", "glibc")


def archive(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr("uv-1.0.data/scripts/uv", content)
    return buffer.getvalue()


def serve(monkeypatch, content: bytes, checksum: str) -> None:
    monkeypatch.setattr(fetch_uv, "wheel", lambda *_: {"url": "https://host/uv.whl", "hash": f"sha256:{checksum}"})
    monkeypatch.setattr(fetch_uv, "download", lambda _: content)


def test_unpacks_the_program(monkeypatch, tmp_path: Path) -> None:
    content = archive(b"#!/bin/sh\n")
    serve(monkeypatch, content, hashlib.sha256(content).hexdigest())
    fetch_uv.main(tmp_path / "new" / "uv")
    assert (tmp_path / "new" / "uv").read_bytes() == b"#!/bin/sh\n"
    assert (tmp_path / "new" / "uv").stat().st_mode & 0o111
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["uv"]


def test_refuses_what_the_lock_does_not_name(monkeypatch, tmp_path: Path) -> None:
    serve(monkeypatch, archive(b"evil"), "0" * 64)
    with pytest.raises(SystemExit, match=r"is not what uv\.lock names"):
        fetch_uv.main(tmp_path / "uv")
    assert not list(tmp_path.iterdir())


def test_a_failed_download_says_what_to_type(monkeypatch, tmp_path: Path) -> None:
    def refused(_: str) -> bytes:
        raise ConnectionRefusedError

    monkeypatch.setattr(fetch_uv, "download", refused)
    with pytest.raises(SystemExit, match="https_proxy"):
        fetch_uv.main(tmp_path / "uv")


def test_refuses_an_address_without_encryption() -> None:
    with pytest.raises(SystemExit, match="not https"):
        fetch_uv.download("http://host/uv.whl")
