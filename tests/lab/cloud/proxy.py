"""What clients speak to: passes calls on to moto, records them, and lets some go wrong."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from tests.lab.cloud.faults import LOST, SILENCE, STATUS, Call, Calls, Fault, Faults

Answerer = Callable[[Call], Mapping[str, Any] | None]
"""The answer of a JSON service that moto does not have; None: ask moto."""

_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request")
_ERROR = re.compile(r"<Code>([^<]+)</Code>|\"__type\":\s*\"(?:[^\"#]*#)?([^\"]+)\"")


class Proxy(ThreadingHTTPServer):
    """One thread per connection."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, backend: tuple[str, int], answer: Answerer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.backend, self.answer = backend, answer
        self.faults, self.calls = Faults(), Calls()
        self.closed = threading.Event()

    @property
    def endpoint(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news; anything else is."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes; together with delayed acknowledgement that is 40 ms

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = _call(self.headers, body)
        fault = self.server.faults.take(call)
        if fault is not None and not fault.after_success:
            return self._fail(call, fault)
        status, headers, answer = self._answer(call, body)
        if fault is not None and status < http.client.BAD_REQUEST:
            return self._fail(call, fault)
        return self._say(call, status, headers, answer)

    do_PUT = do_GET = do_POST  # noqa: N815 - names of the standard library

    def _answer(self, call: Call, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        own = self.server.answer(call)
        if own is not None:
            kind = {"Content-Type": "application/x-amz-json-1.1"}
            return (400 if "__type" in own else 200), kind, json.dumps(own).encode()
        connection = http.client.HTTPConnection(*self.server.backend, timeout=120)
        try:
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _fail(self, call: Call, fault: Fault) -> None:
        if fault.code in (LOST, SILENCE):
            self._record(call, 0, fault.code)
            if fault.code == SILENCE:
                self.connection.settimeout(0.2)
                while not self.server.closed.is_set() and _still_there(self.connection):
                    pass
            self.close_connection = True
            return
        status = STATUS.get(fault.code, 400)
        self._say(call, status, {"Content-Type": "text/xml"}, _error_body(call, fault))

    def _say(self, call: Call, status: int, headers: Mapping[str, str], answer: bytes) -> None:
        found = _ERROR.search(answer.decode(errors="replace")) if status >= http.client.BAD_REQUEST else None
        self._record(call, status, next(filter(None, found.groups()), "") if found else "")
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _record(self, call: Call, status: int, error: str) -> None:
        self.server.calls.append(Call(call.service, call.action, call.region, call.params, status, error))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has in the standard library
        """Nobody reads it: `calls` has it all."""


def _still_there(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def _call(headers: Any, body: bytes) -> Call:
    scope = _SCOPE.search(headers.get("Authorization", ""))
    region, service = scope.groups() if scope else ("", "")
    target = headers.get("X-Amz-Target", "")
    if target:
        sent = json.loads(body or b"{}")
        params = {name: value if isinstance(value, str) else json.dumps(value) for name, value in sent.items()}
        return Call(service, target.rpartition(".")[2], region, params)
    params = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    return Call(service, params.pop("Action", ""), region, params)


def _error_body(call: Call, fault: Fault) -> bytes:
    if call.service == "ec2":
        errors = f"<Errors><Error><Code>{fault.code}</Code><Message>{escape(fault.message)}</Message></Error></Errors>"
        return f"<Response>{errors}<RequestID>lab</RequestID></Response>".encode()
    if call.service in ("sts", "iam"):
        error = f"<Error><Type>Sender</Type><Code>{fault.code}</Code><Message>{escape(fault.message)}</Message></Error>"
        return f"<ErrorResponse>{error}<RequestId>lab</RequestId></ErrorResponse>".encode()
    return json.dumps({"__type": fault.code, "message": fault.message}).encode()
