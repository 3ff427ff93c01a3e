"""The health probe against real sockets that answer as services do, and as they should not."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from runner import health
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


# --- services that answer so as to hold up whoever asks --------------------------------------------------------------

LIMIT_S = 0.4
STREAM = b"x" * 65536


@contextmanager
def hostile(how: Callable[[socket.socket], object]) -> Iterator[dict[str, Any]]:
    """A service that treats every connection its own way, until the other side gives up."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                channel, _ = listener.accept()
                with channel, suppress(OSError):
                    how(channel)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield {
            "host": "127.0.0.1",
            "port": listener.getsockname()[1],
            "protocol": "http",
            "path": "/",
            "status": 200,
        }
        listener.shutdown(socket.SHUT_RDWR)


def again(said: bytes, pause_s: float = 0.0) -> Callable[[socket.socket], None]:
    """Says it for as long as anybody listens."""

    def serve(channel: socket.socket) -> None:
        while True:
            channel.sendall(said)
            time.sleep(pause_s)

    return serve


def after(head: bytes, rest: Callable[[socket.socket], object]) -> Callable[[socket.socket], None]:
    def serve(channel: socket.socket) -> None:
        channel.sendall(head)
        rest(channel)

    return serve


HOSTILE = {
    "drips its first line": again(b"H", 0.02),
    "one endless line": again(STREAM),
    "endless early hints": after(b"HTTP/1.1 103 Early Hints\r\n", again(b"Link: " + STREAM + b"\r\n")),
    "drips early hints": after(b"HTTP/1.1 103 Early Hints\r\n", again(b"L: x\r\n", 0.02)),
    "hints without end": again(b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.02),
    "never says a word": lambda channel: channel.recv(65536) and channel.recv(1),
    "hangs up": lambda channel: channel.recv(1),
}


@pytest.mark.parametrize("protocol", ["http", "https"])
@pytest.mark.parametrize("how", HOSTILE)
def test_hostile_service_holds_nobody_up(how: str, protocol: str) -> None:
    found: list[tuple[str, str]] = []
    with hostile(HOSTILE[how]) as check:
        asked = {**check, "protocol": protocol}
        asking = threading.Thread(target=lambda: found.append(probe(asked, LIMIT_S)), daemon=True)
        asking.start()
        asking.join(LIMIT_S * 10)  # the old one never came back
        assert not asking.is_alive()
    assert found[0][0] == UNHEALTHY


@pytest.mark.parametrize(
    ("how", "state"),
    [
        (after(b"HTTP/1.1 200 OK\r\n", again(b"X: y\r\n", 0.02)), HEALTHY),
        (after(b"HTTP/1.1 200 OK\r\n\r\n", again(STREAM)), HEALTHY),
        (after(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", again(STREAM)), UNHEALTHY),
    ],
    ids=["endless headers", "endless body", "leads to itself"],
)
def test_only_the_status_line_counts(how: Callable[[socket.socket], None], state: str) -> None:
    with hostile(how) as check:
        assert probe(check, LIMIT_S * 10)[0] == state


def test_hostile_services_do_not_keep_the_others_from_being_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "TIMEOUT_S", LIMIT_S)
    with hostile(HOSTILE["drips its first line"]) as bad, service(b"HTTP/1.1 200 OK\r\n\r\n") as (good, _):
        answers = health.probe_all({"good": good, **{f"bad-{number}": bad for number in range(health.WORKERS * 2)}})
    assert answers["good"] == (HEALTHY, "GET /health?a=1 answered 200")
    assert {state for name, (state, _) in answers.items() if name != "good"} == {UNHEALTHY}
