"""What passes the proxy without a proof: preflights of browsers, listed paths, and nothing else. By a real Caddy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.ansible_plugins.module_utils import expose_files, expose_wall
from tests.ansible_plugins.test_expose_files import TOKEN, at, site
from tests.ansible_plugins.wall import CADDY, SAID, Front, standing

by_caddy = pytest.mark.skipif(not CADDY, reason="no caddy on this machine: set SLIPWAY_CADDY, or see test_exposure.py")
FROM = "Origin: https://page.example\n"
WANTS = "Access-Control-Request-Method: POST\n"
PROOF = f"Authorization: Bearer {TOKEN}\n"
SECRETS = f"Cookie: a=b\nX-Http-Method-Override: DELETE\nX-Slipway-Token: {TOKEN[:-1]}\nProxy-Authorization: x\n"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    yield from _front(tmp_path_factory, auth="token")


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    yield from _front(tmp_path_factory, auth="none", cidr=["127.0.0.0/8"], port={"paths": ["/v1/*", "/health", "/"]})


def _front(factory: pytest.TempPathFactory, **more: Any) -> Iterator[Front]:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        free = one.getsockname()[1]
    with standing(factory.mktemp("wall"), free, **more) as made:
        yield made


@by_caddy
def test_preflight_passes_and_brings_back_its_rules_alone(front: Front) -> None:
    front.service.seen.clear()
    status, answer = front.ask("OPTIONS", "/v1/chat?x=1", FROM + WANTS + SECRETS)
    assert status == 204
    assert b"access-control-allow-origin: https://page.example" in answer.lower()
    assert SAID not in answer
    [(method, target, headers)] = front.service.seen
    assert (method, target) == ("OPTIONS", "/v1/chat?x=1")
    sent = {name.lower() for name in headers}
    assert not sent & {"cookie", "authorization", "proxy-authorization", "x-http-method-override", "x-slipway-token"}


NO_PREFLIGHT = [
    ("GET", FROM + WANTS, ""),
    ("HEAD", FROM + WANTS, ""),
    ("POST", FROM + WANTS + "Content-Length: 1\n", "x"),
    ("options", FROM + WANTS, ""),
    ("OPTIONSS", FROM + WANTS, ""),
    ("OPTIONS", FROM, ""),
    ("OPTIONS", WANTS, ""),
    ("OPTIONS", "", ""),
    ("OPTIONS", FROM + WANTS + "Content-Length: 1\n", "x"),
    ("OPTIONS", FROM + WANTS + "Content-Length: 0\n", ""),
    ("OPTIONS", FROM + WANTS + "Upgrade: websocket\nSec-WebSocket-Key: x\nSec-WebSocket-Version: 13\n", ""),
    ("OPTIONS", FROM + WANTS + "Upgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\n", ""),
    ("GET", FROM + WANTS + "X-HTTP-Method-Override: OPTIONS\n", ""),
    ("GET", "Cookie: __Host-slipway-shop.chat=wrong\n", ""),
]


@by_caddy
@pytest.mark.parametrize(("method", "headers", "body"), NO_PREFLIGHT)
def test_whatever_else_says_that_it_is_a_preflight_does_not(front: Front, method: str, headers: str, body: str) -> None:
    front.service.seen.clear()
    status, answer = front.ask(method, "/v1/chat", headers, body)
    assert status >= 400
    assert SAID not in answer
    assert front.service.seen == []


@by_caddy
def test_requests_hidden_behind_a_preflight_are_asked_for_their_proof(front: Front) -> None:
    """A body that is announced to nobody is the next request, and gets the answer that any would get."""
    front.service.seen.clear()
    head = f"Host: 127.0.0.1:{front.port}\n"
    hidden = f"GET /hidden HTTP/1.1\n{head}Connection: close\n\n"
    answer = front.say(f"OPTIONS /v1 HTTP/1.1\n{head}{FROM}{WANTS}\n{hidden}")
    assert [target for _, target, _ in front.service.seen] == ["/v1"]
    assert b" 401 " in answer
    assert SAID not in answer


@by_caddy
def test_body_without_a_length_does_not_pass_with_a_preflight(front: Front) -> None:
    """What its first byte is, Caddy has sent before it knows that there are more."""
    status, answer = front.ask("OPTIONS", "/v1", FROM + WANTS + "Transfer-Encoding: chunked\n", "5\nhello\n0\n\n")
    assert status == 413
    assert SAID not in answer


WRONG = [f"Authorization: Bearer {TOKEN[:-1]}\n", "X-Slipway-Token: guess\n", "Cookie: __Host-slipway-shop.chat=no\n"]


@by_caddy
@pytest.mark.parametrize("headers", WRONG)
def test_wrong_token_waits_and_a_right_or_missing_one_does_not(front: Front, headers: str) -> None:
    import time

    def took(said: str) -> tuple[int, float]:
        start = time.monotonic()
        status, _ = front.ask("GET", "/", said)
        return status, time.monotonic() - start

    status, waited = took(headers)
    assert (status, waited >= expose_wall.WRONG_S) == (401, True)
    assert took(PROOF)[0] == 200
    assert took("")[0] == 401


@by_caddy
def test_wrong_token_of_a_browser_gets_the_form(front: Front) -> None:
    _, answer = front.ask("GET", "/", WRONG[0] + "Accept: text/html\n")
    assert b"This is not the token." in answer
    assert b"www-authenticate: bearer" in answer.lower()


@by_caddy
@pytest.mark.parametrize(
    "target", ["/v1/chat/completions", "/v1/models?limit=3", "/health", "/", "/v1/", "/v1/a.b/c-d"]
)
def test_listed_paths_pass(listed: Front, target: str) -> None:
    assert listed.ask("POST" if "chat" in target else "GET", target, "Content-Length: 0\n")[0] == 200


UNLISTED = [
    "/invocations", "/tokenize", "/metrics", "/v1", "/v2/x", "/health/x", "/healthz", "//v1/models", "/v1//x",
    "/v1/../invocations", "/v1/..%2finvocations", "/v1/%2e%2e/invocations", "/v1/%2e%2e%2finvocations", "/V1/models",
    "/v1/..;/invocations", "/v1/./../invocations", "/v1/.hidden", "/v1/x/..", "/v1%2fmodels", "/%76%31/models",
    "/v1/%252e%252e/invocations", "/v1/x\\..\\invocations", "/invocations?/v1/models", "/invocations#/v1/", "*",
    "http://127.0.0.1/invocations", "https://x/v1/models", "/v1/x%00", "/invocations/v1/models", "/v1/é", "v1/models",
]  # fmt: skip


@by_caddy
@pytest.mark.parametrize("target", UNLISTED)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_nothing_else_passes_however_it_is_written(listed: Front, method: str, target: str) -> None:
    listed.service.seen.clear()
    _, answer = listed.ask(method, target, FROM + WANTS + "Content-Length: 0\n")
    assert SAID not in answer
    assert listed.service.seen == []


@by_caddy
def test_service_that_is_down_is_no_wrong_token(tmp_path: Path, free_port: Callable[[], int]) -> None:
    with standing(tmp_path, free_port()) as front:
        front.service.shutdown()
        front.service.server_close()
        assert front.ask("GET", "/", PROOF)[0] == 502


@pytest.mark.parametrize(
    "path", ["v1", "/v1/**", "/a*", "/../x", "/.x", "/a b", "/a`", "/a{b}", "/%61", "//", "/a//b", "/a\n", "/a|b", ""]
)
def test_path_that_could_be_misread_is_refused(path: str) -> None:
    assert "paths: " in expose_files.fault(site(auth="none", ports=[{**at(443)[0], "paths": [path]}]))


@pytest.mark.parametrize("path", ["/", "/*", "/v1/*", "/a/b.c", "/index.html", "/a-b/~c/"])
def test_path_that_is_plain_is_taken(path: str) -> None:
    assert expose_files.fault(site(auth="none", ports=[{**at(443)[0], "paths": [path]}])) == ""
