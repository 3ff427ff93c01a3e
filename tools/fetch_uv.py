"""Puts the uv of uv.lock at the given path, with nothing but the standard library: no pip, no ensurepip, no root.

Used by `tools/bootstrap` on a machine without uv. Address and checksum come from uv.lock.
"""

import hashlib
import io
import os
import platform
import sys
import tomllib
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def main(target: Path) -> None:
    """Download, check, unpack; the target appears complete or not at all."""
    locked = package(tomllib.loads((ROOT / "uv.lock").read_text()))
    chosen = wheel(locked["wheels"], platform.system(), platform.machine(), platform.libc_ver()[0])
    print(f"bootstrap: downloading uv {locked['version']}", flush=True)
    try:
        content = download(chosen["url"])
    except OSError as error:
        sys.exit(
            f"bootstrap: cannot download {chosen['url']}: {error}\n"
            "bootstrap: behind a proxy, set https_proxy; for a certificate error, type: "
            "sudo apt-get install ca-certificates; "
            "where a company has its own authority: export SSL_CERT_FILE=/path/of/its/certificates.pem"
        )
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found != chosen["hash"]:
        sys.exit(f"bootstrap: {chosen['url']} is not what uv.lock names: {found}, not {chosen['hash']}. Not used.")
    unpack(content, target)


def package(lock: dict[str, Any]) -> dict[str, Any]:
    """The entry of uv itself in uv.lock."""
    return next(entry for entry in lock["package"] if entry["name"] == "uv")


def wheel(wheels: list[dict[str, str]], system: str, machine: str, libc: str) -> dict[str, str]:
    """The build for this machine. Exits when uv has none."""
    machine = {"amd64": "x86_64"}.get(machine.lower(), machine.lower())
    family = {"Linux": "manylinux" if libc == "glibc" else "musllinux", "Darwin": "macosx"}.get(system, system)
    for candidate in wheels:
        tags = candidate["url"].removesuffix(".whl").rsplit("-", 1)[-1].split(".")
        if any(tag.startswith(family) and tag.endswith(f"_{machine}") for tag in tags):
            return candidate
    sys.exit(f"bootstrap: uv.lock names no uv for {system} on {machine}; install uv yourself and type the same again")


def download(url: str) -> bytes:
    """The content of an address of uv.lock."""
    if not url.startswith("https://"):
        sys.exit(f"bootstrap: {url} in uv.lock is not https")
    with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310 - https, see above
        content: bytes = response.read()
    return content


def unpack(content: bytes, target: Path) -> None:
    """The program out of the wheel; renamed into place last."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))
        part = target.with_suffix(f".{os.getpid()}")
        part.write_bytes(archive.read(name))
    part.chmod(0o755)
    part.replace(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
