"""A real Caddy in front of a service that writes down what reaches it, and callers who send exactly what is written."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.ansible_plugins.module_utils import expose_files
from tests.ansible_plugins.test_expose_files import site

SAID = b"ANSWER-OF-THE-SERVICE"
CADDY = os.environ.get("SLIPWAY_CADDY") or shutil.which("caddy") or ""
"""Debian's, as hosts have it; the tests that need it are skipped without one."""


class Service(http.server.ThreadingHTTPServer):
    """Answers everything with 200 and says more than it should; remembers method, target and headers."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        super().__init__(("127.0.0.1", 0), _Answer)


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def parse_request(self) -> bool:
        done = super().parse_request()
        if done:  # any method at all
            setattr(self, f"do_{self.command}", self._answer)
        return done

    def _answer(self) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers.items())))
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "https://page.example")
        self.send_header("X-More", SAID.decode())
        self.send_header("Set-Cookie", f"more={SAID.decode()}")
        self.send_header("Content-Length", str(len(SAID)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(SAID)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the library has
        pass


class Front:
    """The proxy: ask it anything."""

    def __init__(self, port: int, service: Service) -> None:
        self.port, self.service = port, service

    def say(self, request: str) -> bytes:
        """The whole answer to what is written, as bytes; its lines end as HTTP wants it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # certificates are not what this is about
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as line,
        ):
            line.sendall(request.replace("\n", "\r\n").encode())
            return b"".join(iter(lambda: line.recv(65536), b""))

    def ask(self, method: str, target: str, headers: str = "", body: str = "") -> tuple[int, bytes]:
        """(status, the answer)"""
        head = f"{method} {target} HTTP/1.1\nHost: 127.0.0.1:{self.port}\nConnection: close\n{headers}\n"
        answer = self.say(head + body)
        return int(answer.split(b" ", 2)[1]), answer


@contextmanager
def standing(folder: Path, free: int, **more: Any) -> Iterator[Front]:
    """A front with the wall of these options."""
    service = Service()
    threading.Thread(target=service.serve_forever, daemon=True).start()
    port = {"port": free, "upstream": service.server_address[1], "protocol": "http", **more.pop("port", {})}
    params = site(host="127.0.0.1", ports=[port], **more)
    assert expose_files.fault(params) == ""
    head = expose_files.main_file(free, "127.0.0.1")
    head = head.replace(f"unix//run/slipway-expose-{free}/admin.sock", "off")
    (folder / "Caddyfile").write_text(head.replace("/var/lib/slipway-expose", str(folder / "kept")))
    (folder / "site.caddy").write_text(expose_files.site_file(params, port, params["secret"]))
    command = [CADDY, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    env = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        proxy = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        _wait(free, proxy, folder / "log")
        yield Front(free, service)
    finally:
        proxy.terminate()
        proxy.wait()
        service.shutdown()
        service.server_close()


def _wait(port: int, proxy: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(400):
        if proxy.poll() is not None:
            raise AssertionError(log.read_text())
        try:
            Front(port, Service.__new__(Service)).say(f"GET / HTTP/1.1\nHost: 127.0.0.1:{port}\nConnection: close\n\n")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
