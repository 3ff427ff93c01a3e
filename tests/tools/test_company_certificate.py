"""Behind a proxy that shows certificates of a company's own authority: the real uv and the bootstrap get through it."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from unittest import mock

import pytest

from runner.ansible_plugins.module_utils import process_files

ROOT = Path(__file__).resolve().parent.parent.parent
UV = Path(sys.executable).parent / "uv"
NAMES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
HOST = "packages.example"
WHEEL = "tiny-1.0-py3-none-any.whl"
PROJECT = """\
[project]
name = "project"
version = "1"
requires-python = ">=3.11"
dependencies = ["tiny"]
[tool.uv]
package = false
"""


def wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return buffer.getvalue()


class Proxy(BaseHTTPRequestHandler):
    """Ends the encryption itself, as the proxies of companies do, and answers in the place of the index."""

    context: ClassVar[ssl.SSLContext]
    pages: ClassVar[dict[str, bytes]]

    def do_CONNECT(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            self.connection = self.context.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
            self.handle_one_request()
            self.connection.close()
        except OSError:
            pass  # the caller does not trust us
        self.close_connection = True

    def do_GET(self) -> None:
        content = self.pages.get(self.path, b"")
        self.send_response(200 if content else 404)
        self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    do_HEAD = do_GET  # noqa: N815 - as the library wants it

    def log_message(self, *_: object) -> None:
        """Not here."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=A company")
    openssl("req", *new, "-keyout", "host.key", "-out", "host.csr", "-subj", f"/CN={HOST}")
    (folder / "more").write_text(f"subjectAltName=DNS:{HOST}\nbasicConstraints=CA:FALSE\n")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "more")
    openssl("x509", "-req", "-in", "host.csr", "-out", "host.pem", *signing)
    return folder


@pytest.fixture(scope="module")
def proxy(authority: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "host.pem", authority / "host.key")
    content = wheel()
    digest = hashlib.sha256(content).hexdigest()
    link = f'<a href="https://{HOST}/files/{WHEEL}#sha256={digest}">{WHEEL}</a>'.encode()
    Proxy.context, Proxy.pages = context, {"/simple/tiny/": link, f"/files/{WHEEL}": content}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def environment(proxy: str, tmp_path: Path) -> dict[str, str]:
    """Of somebody behind the proxy who has not said anything of its authority."""
    plain = {name: value for name, value in os.environ.items() if name not in (*NAMES, "SSL_CERT_DIR")}
    kept = {name: plain[name] for name in ("PATH", "LANG") if name in plain}
    through = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), proxy)
    return {**kept, **through, "HOME": str(tmp_path), "UV_HTTP_RETRIES": "0", "UV_PYTHON_DOWNLOADS": "never"}


@pytest.fixture
def checkout(environment: dict[str, str], authority: Path, tmp_path: Path) -> Path:
    """A project whose lock file names that index, and the real bootstrap."""
    folder = tmp_path / "checkout"
    (folder / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools/bootstrap", folder / "tools")
    (folder / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/uv").symlink_to(UV)
    environment["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{environment['PATH']}"
    lock = [str(UV), "lock", "--default-index", f"https://{HOST}/simple", "--python", sys.executable, "--no-cache"]
    trusting = {**environment, "SSL_CERT_FILE": str(authority / "ca.pem")}
    subprocess.run(lock, cwd=folder, env=trusting, check=True, capture_output=True)
    return folder


def bootstrap(checkout: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [checkout / "tools/bootstrap"]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def test_strange_authority_is_not_trusted_unasked(checkout: Path, environment: dict[str, str]) -> None:
    done = bootstrap(checkout, environment)
    assert done.returncode == 1
    assert "uv could not make .venv" in done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_authority_is_found_under_every_usual_name(
    checkout: Path, environment: dict[str, str], authority: Path, name: str
) -> None:
    done = bootstrap(checkout, {**environment, name: str(authority / "ca.pem")})
    assert done.returncode == 0, done.stderr
    assert list((checkout / ".venv/lib").glob("python3*/site-packages/tiny.py"))


def test_authority_of_pip_is_found(checkout: Path, environment: dict[str, str], authority: Path) -> None:
    settings = Path(environment["HOME"]) / ".config/pip/pip.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[global]\ncert = {authority}/ca.pem\n")
    done = bootstrap(checkout, environment)
    assert done.returncode == 0, done.stderr


def test_authority_that_is_not_there_is_named(checkout: Path, environment: dict[str, str]) -> None:
    done = bootstrap(checkout, {**environment, "REQUESTS_CA_BUNDLE": "/no/such.pem"})
    assert (done.returncode, "cannot be read: /no/such.pem" in done.stderr) == (1, True)


def test_uv_without_uv_is_fetched_through_the_proxy(environment: dict[str, str], authority: Path) -> None:
    """`tools/fetch_uv.py` comes before there is a uv; the bootstrap gives it the name that Python knows."""
    code = (
        f"import sys; sys.path.insert(0, 'tools'); import fetch_uv; fetch_uv.download('https://{HOST}/files/{WHEEL}')"
    )
    trusting = {**environment, "SSL_CERT_FILE": str(authority / "ca.pem")}
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=trusting, check=False).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_packages_of_services_come_through_it_too(environment: dict[str, str], authority: Path, name: str) -> None:
    with mock.patch.dict(os.environ, {**environment, name: str(authority / "ca.pem")}, clear=True):
        assert process_files._uv_environment()["SSL_CERT_FILE"] == str(authority / "ca.pem")


def test_gate_leaves_certificates_alone() -> None:
    """What `.ci/run` takes out of the environment has nothing to do with certificates and proxies."""
    [cleared] = [line for line in (ROOT / ".ci/run").read_text().splitlines() if "unset" in line and "|" in line]
    assert not [word for word in ("SSL", "CERT", "CA_", "PROXY", "proxy", "UV_") if word in cleared]
