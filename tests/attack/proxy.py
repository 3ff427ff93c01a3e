"""Requests against the proxy in front of an exposed service, by plain sockets, without its token: none reaches the
service. On a host of the lab, which stays; as root.
"""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.attack.report import Report
from tests.e2e import world as look
from tests.e2e.callers import trusting
from tests.e2e.world import World
from tests.lab import hosts, registry
from tests.lab.machine import Host

HOST, PORT = "attack-1", 443
TIMEOUT_S = 5.0
LONGEST = 65536
REACHED = b"x-reached"
"""A header that only the service behind can give back: it echoes the headers of a request, and every one has this."""
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X" * 100)
PATHS = (
    *(
        "/",
        "//",
        "/.",
        "/..",
        "/%2e%2e/",
        "/./events",
        "/events",
        "/go",
        "/v1/models",
        "/health",
        "/healthz",
        "/metrics",
    ),
    *(
        "*",
        "http://127.0.0.1:8080/",
        "https://localhost/",
        "/?token=x",
        "/;x",
        "/%00",
        "/\\",
        "/%2f",
        "/a/../events",
        "?",
    ),
    *("/.well-known/acme-challenge/x", "/" + "a" * 9000, "/\x7f", "/é"),
)
AUTHORIZATIONS = (
    *(
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "bearer x",
        "Basic eDp4",
        "Basic",
        "Digest x",
        "Bearer null",
        "Bearer undefined",
    ),
    *(
        "Bearer " + "A" * 32,
        "Bearer " + "A" * 9000,
        "Bearer .*",
        "Bearer {$TOKEN}",
        "Bearer %",
        "Bearer *",
        "Bearer \x01",
    ),
)
OTHERS = (
    *(
        "X-Slipway-Token: x",
        "X-Slipway-Token:",
        "X-Forwarded-For: 127.0.0.1",
        "X-Real-IP: 127.0.0.1",
        "Forwarded: for=127.0.0.1",
    ),
    *(
        "X-Original-URL: /",
        "X-Rewrite-URL: /",
        "X-HTTP-Method-Override: OPTIONS",
        "Connection: Authorization",
        "Upgrade: websocket",
    ),
    *(
        "Transfer-Encoding: chunked",
        "Transfer-Encoding : chunked",
        "Content-Length: 5",
        "Content-Length: -1",
        "Expect: 100-continue",
    ),
    *(
        "Access-Control-Request-Method: GET",
        "Origin: null",
        "Origin: https://evil.example",
        "Cookie: token=x",
        "Te: trailers",
    ),
    *(
        "Sec-WebSocket-Key: AAAA",
        "Sec-WebSocket-Version: 13",
        "Connection: Upgrade",
        " Authorization: x",
        "Authorization : Bearer x",
    ),
)
HOSTS = ("", "localhost", "127.0.0.1:8080", "evil.example", "a" * 300)


def attack(seed: int, tries: int) -> Report:
    """So many requests; none may be answered by the service. One with the token is, before and after."""
    report = Report("proxy", seed)
    dice = report.dice
    with tempfile.TemporaryDirectory() as folder, exposed(Path(folder)) as (host, context, token):
        proof = (
            f"GET / HTTP/1.1\r\nHost: {host.address}\r\nX-Reached: 1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        if REACHED not in said(host, context, proof).lower():
            report.fault(0, "who has the token does not get in, so this proves nothing")
        for number in range(tries):
            request = asked(dice, host.address, token)
            answer = said(host, context, request)
            report.tried += 1
            report.figures[answer.split(b"\r\n", 1)[0].decode("latin-1")[:12] or "closed"] += 1
            if reached(request, answer):
                report.fault(number, f"{request[:300]!r} reached the service")
        if REACHED not in said(host, context, proof).lower():
            report.fault(tries, "who has the token does not get in afterwards")
    return report


def reached(request: bytes, answer: bytes) -> bool:
    """Whether the service has answered: by what it echoes, or by its name. A preflight may: it brings no data."""
    shown = answer.lower()
    return REACHED in shown or (b"basehttp" in shown and not request.startswith(b"OPTIONS"))


def asked(dice: random.Random, address: str, token: str) -> bytes:
    """A request without the token, or with one that is almost it."""
    near = ("Bearer " + token[:-1], "Bearer " + token.swapcase(), f"Basic {token}", token, f"Bearer {token[::-1]}")
    lines = [f"Host: {dice.choice((address, address, *HOSTS))}", "X-Reached: 1"]
    lines += [f"Authorization: {dice.choice((*AUTHORIZATIONS, *near))}" for _ in range(dice.choice((0, 1, 1, 2)))]
    lines += dice.sample(OTHERS, dice.choice((0, 0, 1, 2, 4)))
    dice.shuffle(lines)
    version = dice.choice(("HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0"))
    head = f"{dice.choice(METHODS)} {dice.choice(PATHS)} {version}\r\n" + "".join(f"{line}\r\n" for line in lines)
    return (head + "\r\n").encode("latin-1", "replace") + smuggled(dice, address)


def smuggled(dice: random.Random, address: str) -> bytes:
    """Sometimes a second request in the body of the first."""
    second = f"GET / HTTP/1.1\r\nHost: {address}\r\nX-Reached: 1\r\n\r\n".encode()
    return dice.choice((b"", b"", b"hello", b"0\r\n\r\n" + second, second))


def said(host: Host, context: ssl.SSLContext, request: bytes) -> bytes:
    """Whatever comes back."""
    answer = b""
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(OSError))
        plain = stack.enter_context(socket.create_connection((host.address, PORT), TIMEOUT_S))
        wrapped = stack.enter_context(context.wrap_socket(plain, server_hostname=host.address))
        wrapped.settimeout(TIMEOUT_S / 5)
        wrapped.sendall(request)
        while len(answer) < LONGEST and (piece := wrapped.recv(4096)):
            answer += piece
    return answer


@contextlib.contextmanager
def exposed(folder: Path) -> Iterator[tuple[Host, ssl.SSLContext, str]]:
    """A service that echoes, open to everybody who has its token."""
    registry.ensure("stand-in")
    [host] = hosts.ensure([HOST], "host-docker")
    made: World = look.build(folder)
    try:
        (made.root / "templates" / "echo.yaml").write_text((look.HERE / "echo.yaml").read_text())
        made.add(host)
        where = f"template: echo\nprovider: ssh\nmachine: {{host: {host.name}}}\n"
        made.deployment("open", where + "access: {expose: public}\n")
        made.reconcile()
        shown = made.json("access", "open", "--show-secrets")["secrets"]
        token = next(row["value"] for row in shown if row["name"].startswith("access_"))
        yield host, trusting(str(made.root / "deployments/access/open.ca.pem")), token
        made.ok("destroy", "open", "--yes")
    finally:
        look.end(made, [host])
        hosts.remove(HOST)
