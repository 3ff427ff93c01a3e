"""The lab's desktop does what templates/desktop.yaml asks of webtop: https, a login, a desktop behind it."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from runner.ansible_plugins.module_utils.docker_api import Docker
from tests import ports
from tests.lab import ready

pytestmark = pytest.mark.docker

TRUSTING = ssl.create_default_context()
TRUSTING.check_hostname = False
TRUSTING.verify_mode = ssl.CERT_NONE  # the certificate is the container's own
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"desk:canary").decode()}
Start = Callable[..., int]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(_desktop(settings))


@contextmanager
def _desktop(settings: dict[str, str]) -> Iterator[int]:
    image, port = ready.image("desktop"), ports.free()
    with ready.mark() as labels:
        name, docker = f"slipway-{labels['slipway-repo']}-desktop", Docker()
        bindings = {"PortBindings": {"3001/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}}
        environment = [f"{key}={value}" for key, value in settings.items()]
        docker.create(name, {"Image": image, "Labels": labels, "Env": environment, "HostConfig": bindings})
        docker.start(name)
        deadline = time.monotonic() + 20
        while not _status(port):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield port


def _status(port: int, headers: dict[str, str] | None = None) -> int:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=TRUSTING)
    try:
        connection.request("GET", "/", headers=headers or {})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def _vnc_greeting(port: int) -> bytes:
    """The first words of the screen, by the way that noVNC takes: a WebSocket."""
    asked = {"Host": "desktop", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", **LOGIN}
    asked["Sec-WebSocket-Key"] = base64.b64encode(bytes(16)).decode()
    lines = ["GET /websockify HTTP/1.1", *(f"{name}: {value}" for name, value in asked.items()), "", ""]
    plain = socket.create_connection(("127.0.0.1", port), timeout=5)
    with TRUSTING.wrap_socket(plain) as connection:
        connection.sendall("\r\n".join(lines).encode())
        received = b""
        while b"RFB" not in received and (piece := connection.recv(4096)):
            received += piece
    return received


def test_desktop_asks_for_its_password(start: Start) -> None:
    port = start(CUSTOM_USER="desk", PASSWORD="canary")
    assert _status(port) == 401
    assert _status(port, {"Authorization": "Basic " + base64.b64encode(b"desk:wrong").decode()}) == 401
    assert _status(port, LOGIN) == 200


def test_desktop_without_a_password_asks_nobody(start: Start) -> None:
    assert _status(start()) == 200


def test_screen_is_behind_the_login(start: Start) -> None:
    port = start(CUSTOM_USER="desk", PASSWORD="canary", SELKIES_MANUAL_WIDTH="1920", SELKIES_MANUAL_HEIGHT="1080")
    received = _vnc_greeting(port)
    assert received.startswith(b"HTTP/1.1 101 ")
    assert b"RFB 003.008" in received
