"""One HTTP request to a Docker engine over its unix socket, and what can go wrong with it. Standard library only.
Secrets are part of requests and never of errors.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
from contextlib import contextmanager
from typing import Any, Iterator, Optional

DEFAULT_SOCKET = "/var/run/docker.sock"
TIMEOUT_S = 60


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
        message = "DOCKER_HOST=%s is not supported: only a unix:// socket is; unset it or give the socket's path"
        raise DockerUnreachable(message % re.sub(r"//.*@", "//", host), "unsupported")
    return host


@contextmanager
def request(
    path: str, method: str, target: str, timeout_s: Optional[float] = TIMEOUT_S, body: Any = None
) -> Iterator[http.client.HTTPResponse]:
    """Ask the engine at the socket `path`; the connection lives as long as the `with` block. None waits forever."""
    connection = _Connection(path, timeout_s)
    try:
        payload = None if body is None else json.dumps(body)
        connection.request(method, target, payload, {"Content-Type": "application/json"} if payload else {})
        response = connection.getresponse()
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise DockerError(response.status, _message(response.read()))
        yield response
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(error, path) from error
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout_s: Optional[float]) -> None:
        super().__init__("localhost")
        self._path, self._timeout_s = path, timeout_s

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._timeout_s)
        self.sock.connect(self._path)


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip()


def _unreachable(error: Exception, path: str) -> DockerUnreachable:
    if isinstance(error, FileNotFoundError):
        fix = "install Docker, start it (systemctl start docker), or name its socket in DOCKER_HOST"
        return DockerUnreachable("no Docker engine here: %s does not exist; %s" % (path, fix), "missing")
    if isinstance(error, PermissionError):
        fix = "add this user to the group that owns it (usermod -aG docker USER, then log in again)"
        return DockerUnreachable("this user may not use the Docker engine at %s; %s" % (path, fix), "permission")
    if isinstance(error, ConnectionRefusedError):
        fix = "start it (systemctl start docker)"
        return DockerUnreachable("the Docker engine is not running: nobody listens at %s; %s" % (path, fix), "refused")
    what = "took too long" if isinstance(error, socket.timeout) else "broke the connection (%s)" % type(error).__name__
    return DockerUnreachable("the Docker engine at %s %s; see its log (journalctl -u docker)" % (path, what), "dropped")
