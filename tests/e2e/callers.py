"""Callers from outside, by plain sockets: what they send is exactly what is written here."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.lab import hosts
from tests.lab.machine import Host

TIMEOUT_S = 30
# Knocks at every port, 900 at a time; prints those that answer. One that says nothing within two seconds is asked once
# more, alone: a busy machine must not look like a closed one.
SCAN = """
import json, selectors, socket, sys, time

def knock(address, ports, patience):
    waiting, opened, silent = selectors.DefaultSelector(), [], []
    for port in ports:
        knocking = socket.socket()
        knocking.setblocking(False)
        knocking.connect_ex((address, port))
        waiting.register(knocking, selectors.EVENT_WRITE, port)
    until = time.monotonic() + patience
    while waiting.get_map() and time.monotonic() < until:
        for key, _ in waiting.select(0.1):
            if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                opened.append(key.data)
            waiting.unregister(key.fileobj)
            key.fileobj.close()
    for key in list(waiting.get_map().values()):
        silent.append(key.data)
        waiting.unregister(key.fileobj)
        key.fileobj.close()
    return opened, silent

address, opened, silent = sys.argv[1], [], []
for first in range(1, 65536, 900):
    found = knock(address, range(first, min(first + 900, 65536)), 2)
    opened, silent = opened + found[0], silent + found[1]
for port in silent:
    opened += knock(address, [port], 2)[0]
print(json.dumps([sorted(opened), sorted(silent)]))
"""


def scan(asking: Host, address: str) -> tuple[set[int], set[int]]:
    """(ports that accept connections, ports that say nothing at all) of an address, of all 65,535, asked by a host."""
    opened, silent = json.loads(hosts.console(asking.name, "python3", "-", address, stdin=SCAN))
    return set(opened), set(silent)


def trusting(certificate: str) -> ssl.SSLContext:
    """Nobody but the authority in that file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate)
    return context


@dataclass(frozen=True)
class Answer:
    """A whole one."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as the document that it is."""
        return json.loads(self.body)


class Caller:
    """Somebody who knows a deployment's address, and perhaps its secret."""

    def __init__(
        self, address: str, port: int, context: ssl.SSLContext, headers: Mapping[str, str] | None = None
    ) -> None:
        self.address, self.port, self.context, self.headers = address, port, context, dict(headers or {})

    def ask(
        self, path: str = "/", headers: Mapping[str, str] | None = None, body: bytes | None = None, method: str = ""
    ) -> Answer:
        """A GET, or a POST where there is a body, unless another method is named."""
        with self.asking(path, headers, body, method) as answer:
            return Answer(answer.status, dict(answer.headers.items()), answer.read())

    def status(self, path: str = "/", headers: Mapping[str, str] | None = None) -> int:
        """Of the answer."""
        return self.ask(path, headers).status

    @contextmanager
    def asking(
        self, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None, method: str = ""
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer that is read piece by piece."""
        line = http.client.HTTPSConnection(self.address, self.port, context=self.context, timeout=TIMEOUT_S)
        try:
            line.request(method or ("GET" if body is None else "POST"), path, body, {**self.headers, **(headers or {})})
            with line.getresponse() as answer:
                yield answer
        finally:
            line.close()


class WebSocket:
    """A connection that stays."""

    def __init__(self, caller: Caller) -> None:
        plain = socket.create_connection((caller.address, caller.port), timeout=TIMEOUT_S)
        self._line = caller.context.wrap_socket(plain, server_hostname=caller.address)
        headers: dict[str, Any] = {
            "Host": f"{caller.address}:{caller.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            **caller.headers,
        }
        text = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._line.sendall(f"GET /socket HTTP/1.1\r\n{text}\r\n".encode())
        self._file = self._line.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        while self._file.readline().strip():
            pass

    def echo(self, word: bytes) -> bytes:
        """What comes back."""
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(word))
        self._line.sendall(bytes([0x81, 0x80 | len(word)]) + mask + masked)
        head = self._file.read(2)
        return self._file.read(head[1])

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._line.close()
