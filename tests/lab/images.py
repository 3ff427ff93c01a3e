"""Images for the tests, made here: no registry is needed.

`base` is Debian with Python, from debootstrap. `tiny` is a static busybox. Every folder in dockerfiles/ is one more,
built from its Dockerfile. All are called slipway-lab/NAME:1.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.lab.host import LabError, cache, install, need, run

FOLDERS = Path(__file__).parent / "dockerfiles"
STANDINS = Path(__file__).parent / "standins"
SOURCE = "slipway-lab-source"
RELEASE = "bookworm"
PACKAGES = "python3,ca-certificates"
APPLETS = ("sh", "cat", "echo", "env", "false", "httpd", "id", "ls", "nc", "sleep", "test", "touch", "true", "wget")


def names() -> list[str]:
    """All images, in an order in which they can be made."""
    return [
        "base",
        "tiny",
        *sorted(path.parent.name for path in FOLDERS.glob("*/Dockerfile")),
    ]  # parents make themselves


def reference(name: str) -> str:
    """What to write after `image:`."""
    return f"slipway-lab/{name}:1"


def ensure(name: str, *, rebuild: bool = False) -> str:
    """Make sure that an image is there and up to date; what was done, as a sentence."""
    if name not in names():
        msg = f"there is no image {name!r}; there are {', '.join(names())}"
        raise LabError(msg)
    wanted = source(name)
    if _made_from(name) == wanted and not rebuild:
        return f"{reference(name)} is there"
    {"base": _base, "tiny": _tiny}.get(name, _build)(name, wanted)
    return f"{reference(name)} made"


def source(name: str) -> str:
    """A word that changes when what the image is made from changes."""
    if name == "base":
        return f"{RELEASE},{PACKAGES}"
    if name == "tiny":
        return ",".join(APPLETS)
    parents = "".join(map(source, _parents(name))).encode()
    files = [path for folder in _folders(name).values() for path in sorted(folder.rglob("*")) if _counts(path)]
    content = parents + b"".join(path.name.encode() + path.read_bytes() for path in files)
    return hashlib.sha256(content).hexdigest()


def status() -> Iterator[str]:
    """One line per image."""
    for name in names():
        made_from = _made_from(name)
        yield f"{reference(name)} " + (
            "is there" if made_from == source(name) else "is old" if made_from else "is missing"
        )


def _parents(name: str) -> list[str]:
    """The lab's images that a Dockerfile starts from."""
    text = (FOLDERS / name / "Dockerfile").read_text()
    return sorted(set(re.findall(r"^FROM slipway-lab/([\w-]+):1", text, re.MULTILINE)))


def _folders(name: str) -> dict[str, Path]:
    """Which folders an image is made from, by where the build finds them."""
    uses_standins = ".standins/" in (FOLDERS / name / "Dockerfile").read_text()
    return {".": FOLDERS / name} | ({".standins": STANDINS} if uses_standins else {})


def _counts(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _made_from(name: str) -> str:
    label = f'{{{{index .Config.Labels "{SOURCE}"}}}}'
    try:
        return run("docker", "image", "inspect", "--format", label, reference(name)).strip()
    except LabError:
        return ""


def _base(name: str, made_from: str) -> None:
    archive = cache() / f"base-{RELEASE}-{hashlib.sha256(made_from.encode()).hexdigest()[:8]}.tar"
    if not archive.exists():
        _debootstrap(archive)
    _import(archive, name, made_from, 'CMD ["/bin/bash"]')


def _debootstrap(archive: Path) -> None:
    need("debootstrap")
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        root = Path(folder) / "root"
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, root)
        for leftover in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(root / leftover)
            (root / leftover / "partial").mkdir(parents=True)
        partial = Path(folder) / "base.tar"
        run("tar", "--numeric-owner", "-C", root, "-cf", partial, ".")
        partial.rename(archive)  # only a whole archive ever carries the name


def _tiny(name: str, made_from: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "tiny.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(_busybox(Path(folder)), "bin/busybox")
            for applet in APPLETS:
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        _import(archive, name, made_from, 'CMD ["/bin/sh"]')


def _busybox(folder: Path) -> Path:
    if not list(cache().glob("busybox-static_*.deb")):
        if not shutil.which("apt-get"):
            msg = "the tiny image comes from the Debian package busybox-static, and there is no apt-get here"
            raise LabError(msg)
        if not Path("/var/lib/apt/lists").is_dir() or not list(Path("/var/lib/apt/lists").glob("*Packages*")):
            install([])
        run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", "busybox-static", folder=cache())
    run("dpkg-deb", "-x", next(cache().glob("busybox-static_*.deb")), folder / "tree")
    return next((folder / "tree").glob("**/bin/busybox"))


def _import(archive: Path, name: str, made_from: str, command: str) -> None:
    changes = ["--change", command, "--change", f'LABEL {SOURCE}="{made_from}"']
    run("docker", "import", *changes, archive, reference(name))


def _build(name: str, made_from: str) -> None:
    for parent in _parents(name):
        ensure(parent)
    with tempfile.TemporaryFile() as context:
        with tarfile.open(fileobj=context, mode="w", format=tarfile.GNU_FORMAT) as tar:  # docker knows no pax here
            for place, folder in _folders(name).items():
                tar.add(folder, place, filter=lambda entry: None if "__pycache__" in entry.name else entry)
            _add_host_files(tar)
        context.seek(0)
        proxies = [part for key in os.environ if key.lower().endswith("_proxy") for part in ("--build-arg", key)]
        flags = ["--network", "host", "--rm", "--label", f"{SOURCE}={made_from}", "--tag", reference(name), *proxies]
        run("docker", "build", *flags, "-", stdin=context, env={"DOCKER_BUILDKIT": "0"})


def _add_host_files(tar: tarfile.TarFile) -> None:
    """`.host/`: uv, and how this machine reaches PyPI (certificates, index). Stays in the build stage."""
    uv = shutil.which("uv", path=f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}")
    if not uv:
        msg = "uv is needed to build images; run this from the project's environment"
        raise LabError(msg)
    tar.add(Path(uv).resolve(), ".host/uv")
    index = _pip_index()
    for name, content in {
        "ca.crt": _certificates(),
        "uv.toml": f'[[index]]\nurl = "{index}"\ndefault = true\n' if index else "",
    }.items():
        info = tarfile.TarInfo(f".host/{name}")
        info.size = len(content.encode())
        tar.addfile(info, io.BytesIO(content.encode()))


def _certificates() -> str:
    places = [os.environ.get(name) for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")]
    places += [ssl.get_default_verify_paths().cafile, "/etc/ssl/certs/ca-certificates.crt"]
    return next((Path(place).read_text() for place in places if place and Path(place).is_file()), "")


def _pip_index() -> str:
    """The package index of this machine; empty for PyPI itself, and when a container could not reach it."""
    asked = [os.environ.get(name, "") for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")]
    for python in (sys.executable, "python3"):
        if not any(asked):
            done = subprocess.run(
                [python, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
            )
            asked.append(done.stdout.strip())
    return next((url for url in asked if url.startswith("http")), "")
