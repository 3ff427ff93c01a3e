"""The health probe against real sockets that answer as services do, and as they should not."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runner.ansible_plugins.module_utils.health_probe import HEALTHY, STARTING, UNHEALTHY, probe

SILENT = b""


@contextmanager
def service(answer: bytes, context: ssl.SSLContext | None = None) -> Iterator[tuple[dict[str, Any], list[bytes]]]:
    """(check, what was asked) of a service that says this once, and then hangs up; silent ones never do."""
    heard: list[bytes] = []
    done = threading.Event()

    def serve() -> None:
        channel, _ = listener.accept()
        with context.wrap_socket(channel, server_side=True) if context else channel as conversation:
            heard.append(conversation.recv(4096))
            conversation.sendall(answer)
            if answer == SILENT:
                done.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        protocol = "https" if context else "http"
        yield {"host": "127.0.0.1", "port": port, "protocol": protocol, "path": "/health?a=1", "status": 200}, heard
        done.set()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "state", "detail"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", HEALTHY, "GET /health?a=1 answered 200"),
        (b"HTTP/1.0 200\r\n\r\n", HEALTHY, "GET /health?a=1 answered 200"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", HEALTHY, "answered 200"),
        (b"HTTP/1.1 503 Loading\r\n\r\n", STARTING, "answered 503 instead of 200"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", UNHEALTHY, "answered 404 instead of 200"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", UNHEALTHY, "was not answered in HTTP"),
        (b"HTTP/1.1 wonderful\r\n\r\n", UNHEALTHY, "was not answered in HTTP"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20, UNHEALTHY, "was not answered in HTTP"),
        (b"\n", UNHEALTHY, "was not answered in HTTP"),
        (SILENT, UNHEALTHY, "did not answer within 0.2 s"),
    ],
)
def test_answer_is_judged_by_its_status(answer: bytes, state: str, detail: str) -> None:
    with service(answer) as (check, heard):
        found, said = probe(check, 0.2)
    assert (found, detail in said) == (state, True), said
    assert heard[0].startswith(b"GET /health?a=1 HTTP/1.1\r\nHost: 127.0.0.1:")


def test_own_certificate_is_no_obstacle(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=service", "-days", "1"]
    subprocess.run([*words, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with service(b"HTTP/1.1 200 OK\r\n\r\n", context) as (check, _):
        assert probe(check)[0] == HEALTHY


def test_plain_answer_to_a_question_by_tls_is_a_failure() -> None:
    with service(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (check, _):
        state, said = probe({**check, "protocol": "https"})
    assert (state, said) == (UNHEALTHY, "GET /health?a=1 failed: SSLError")


@pytest.mark.parametrize("protocol", ["http", "https", "tcp"])
def test_nobody_listens_yet(protocol: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    check = {"host": "127.0.0.1", "port": port, "protocol": protocol, "path": "/", "status": 200}
    assert probe(check) == (STARTING, f"nothing listens on port {port} yet")
