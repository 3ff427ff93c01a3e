"""One HTTP request to a Docker engine over its unix socket, and what can go wrong with it. Standard library only.
Secrets are part of requests and never of errors.
"""

from __future__ import annotations

import json
import os
import re
import socket
from contextlib import contextmanager

TYPE_CHECKING = False  # as in `typing`, which takes as long to load as all else here; type checkers know the name
if TYPE_CHECKING:
    from http.client import HTTPResponse
    from typing import Any, Iterator

DEFAULT_SOCKET = "/var/run/docker.sock"
TIMEOUT_S = 60
BAD_REQUEST = 400


class DockerError(Exception):
    """The engine said no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status; 200 when the failure came inside a stream; 0 when nothing answered."""
        self.message = message


class DockerUnreachable(DockerError):
    """No engine answered; the message says why and what to do."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(0, message)
        self.reason = reason
        """missing | permission | refused | dropped | unsupported"""


def socket_path(given: str = "") -> str:
    """The socket to use: the given one, else that of DOCKER_HOST, else the default."""
    host = given or os.environ.get("DOCKER_HOST", "") or DEFAULT_SOCKET
    if host.startswith("unix://"):
        return host[len("unix://") :]
    if "://" in host:
        shown = re.sub(r"//.*@", "//", host)
        raise DockerUnreachable(
            f"DOCKER_HOST={shown} cannot be used: only unix:// sockets can; unset it", "unsupported"
        )
    return host


@contextmanager
def request(  # noqa: PLR0913 - what a request is made of
    path: str,
    method: str,
    target: str,
    timeout_s: float | None = TIMEOUT_S,
    body: Any = None,
    *,
    headers: tuple[str, ...] = (),
) -> Iterator[HTTPResponse]:
    """Ask the engine at the socket `path`; the connection lives as long as the `with` block. None waits forever."""
    with _connected(path, timeout_s) as channel:
        from http.client import HTTPException, HTTPResponse  # slow to import: not before an engine answers

        try:
            channel.sendall(_encoded(method, target, body, headers))
            with HTTPResponse(channel, method=method) as response:
                response.begin()
                if response.status >= BAD_REQUEST:
                    raise DockerError(response.status, _message(response.read()))
                yield response
        except (OSError, HTTPException) as error:
            raise _unreachable(error, path) from error


def fetch(
    path: str, target: str, timeout_s: float = TIMEOUT_S, *, lines: bool = False, headers: tuple[str, ...] = ()
) -> Any:
    """The JSON that one GET answers; `lines`: a list, of one on each line. In HTTP/1.0, whose answers need no library
    that loads longer than they take.
    """
    with _connected(path, timeout_s) as channel:
        try:
            asked = "\r\n".join([f"GET {target} HTTP/1.0", "Host: docker", *headers, "", ""])
            channel.sendall(asked.encode("ascii"))
            with channel.makefile("rb") as answer:
                head, _, body = answer.read().partition(b"\r\n\r\n")
        except OSError as error:
            raise _unreachable(error, path) from error
    status = head.split(b" ", 2)[1:2]
    if not head.startswith(b"HTTP/") or not status or not status[0].isdigit():
        raise _unreachable(ConnectionResetError(), path)
    if int(status[0]) >= BAD_REQUEST:
        raise DockerError(int(status[0]), _message(body))
    try:
        return [json.loads(line) for line in body.splitlines()] if lines else json.loads(body)
    except ValueError as error:  # it ends in the middle: HTTP/1.0 knows no other sign of that
        raise _unreachable(ConnectionResetError(), path) from error


@contextmanager
def _connected(path: str, timeout_s: float | None) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        try:
            channel.settimeout(timeout_s)
            channel.connect(path)
        except OSError as error:
            raise _unreachable(error, path) from error
        yield channel


def _encoded(method: str, target: str, body: Any, headers: tuple[str, ...] = ()) -> bytes:
    """A body of bytes is an archive, any other goes as JSON."""
    payload = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
    said = ["Host: docker", "Connection: close", f"Content-Length: {len(payload)}", *headers]
    said += ["Content-Type: " + kind] if payload else []
    return "\r\n".join([f"{method} {target} HTTP/1.1", *said, "", ""]).encode("ascii") + payload


def login_header(login: Any) -> tuple[str, ...]:
    """The header by which the engine logs in to a registry for one request; the engine keeps nothing of it."""
    if not login:
        return ()
    import base64

    return ("X-Registry-Auth: " + base64.urlsafe_b64encode(json.dumps(login).encode()).decode(),)


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip()


def _unreachable(error: Exception, path: str) -> DockerUnreachable:
    if isinstance(error, FileNotFoundError):
        fix = "install Docker, start it (systemctl start docker), or name its socket in DOCKER_HOST"
        return DockerUnreachable(f"no Docker engine here: {path} does not exist; {fix}", "missing")
    if isinstance(error, PermissionError):
        fix = "add this user to the group that owns it (usermod -aG docker USER, then log in again)"
        return DockerUnreachable(f"this user may not use the Docker engine at {path}; {fix}", "permission")
    if isinstance(error, ConnectionRefusedError):
        fix = "start it (systemctl start docker)"
        return DockerUnreachable(f"the Docker engine is not running: nobody listens at {path}; {fix}", "refused")
    what = "took too long" if isinstance(error, socket.timeout) else f"broke the connection ({type(error).__name__})"
    return DockerUnreachable(f"the Docker engine at {path} {what}; see its log (journalctl -u docker)", "dropped")
