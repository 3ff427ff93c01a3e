"""A little HTTP server: a table of routes, JSON in, JSON or a stream out."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """What came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What goes out. An iterator is sent piece by piece, as it comes."""

    content: bytes | Iterator[bytes] = b""
    status: int = 200
    type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


App = Callable[[Request], Answer]


def as_json(value: object, status: int = 200) -> Answer:
    """A JSON document."""
    return Answer(json.dumps(value).encode(), status, "application/json; charset=utf-8")


def as_lines(values: Iterator[object]) -> Answer:
    """One JSON document per line, as they come."""
    return Answer((json.dumps(value).encode() + b"\n" for value in values), type="application/x-ndjson")


def as_events(values: Iterator[object]) -> Answer:
    """Server-sent events, as OpenAI's API streams them."""

    def pieces() -> Iterator[bytes]:
        for value in values:
            yield f"data: {json.dumps(value)}\n\n".encode()
        yield b"data: [DONE]\n\n"

    return Answer(pieces(), type="text/event-stream")


def server(app: App, host: str, port: int) -> ThreadingHTTPServer:
    """A server that listens; port 0 is any free one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # chunks and connections that stay open

        def do(self) -> None:
            named = {name.title(): text for name, text in self.headers.items()}  # whatever their case
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._send(app(Request(self.command, urlsplit(self.path).path, named, body)))

        do_GET = do_HEAD = do_POST = do_DELETE = do_PUT = do  # noqa: N815 - how the library calls them

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.type)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if isinstance(answer.content, bytes):
                self.send_header("Content-Length", str(len(answer.content)))
                pieces = iter([answer.content])
            else:
                self.send_header("Transfer-Encoding", "chunked")
                pieces = _chunks(answer.content)
            self.end_headers()
            if self.command != "HEAD":
                for piece in pieces:
                    self.wfile.write(piece)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            print(f"{self.address_string()} {format % args}", flush=True)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            if not isinstance(sys.exception(), ConnectionError):  # a caller who hangs up is no error
                super().handle_error(request, client_address)

    return Server((host, port), Handler)


def serve_for_ever(app: App, host: str, port: int) -> None:
    """Serve until SIGTERM, which a container's first process would otherwise not hear."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with server(app, host, port) as listening:
        print(f"listening on {host}:{port}", flush=True)
        listening.serve_forever()


def _chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"
