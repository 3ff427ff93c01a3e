"""Who reaches a service from outside: names, words, and what a change of it means."""

from __future__ import annotations

from typing import Any

import pytest

from runner import reach
from runner.domain import Exposure


def access(**more: Any) -> dict[str, Any]:
    return {"expose": "public", "auth": "token", "domain": "", "tls": "internal", "ports": {"web": 443}, **more}


def cidr(*networks: str) -> dict[str, Any]:
    return access(expose={"cidr": list(networks)})


def listed(*paths: str) -> dict[str, Any]:
    """Without authentication, for these paths only."""
    return {**cidr("10.1.0.0/16"), "auth": "none", "paths": {"web": list(paths)}}


@pytest.mark.parametrize(
    ("given", "address", "url"),
    [
        (access(), "203.0.113.7", "https://203.0.113.7"),
        (access(ports={"web": 8443}), "203.0.113.7", "https://203.0.113.7:8443"),
        (access(), "2001:db8::7", "https://[2001:db8::7]"),
        (access(), "Box.local", "https://box.local"),
        (access(domain="a.example.com"), "203.0.113.7", "https://a.example.com"),
    ],
)
def test_url_is_what_callers_write(given: dict[str, Any], address: str, url: str) -> None:
    assert reach.url(given, address, "web") == url


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (None, reach.TUNNEL, None),
        (reach.TUNNEL, None, None),
        (access(), access(), None),
        (reach.TUNNEL, access(), Exposure("tunnel", "public at port 443, token", opens=True)),
        (access(), reach.TUNNEL, Exposure("public at port 443, token", "tunnel", opens=False)),
        (None, access(auth="basic"), Exposure("closed", "public at port 443, user and password", opens=True)),
        (access(), None, Exposure("public at port 443, token", "closed", opens=False)),
    ],
)
def test_change_is_told_in_words(before: Any, after: Any, change: Exposure | None) -> None:
    assert reach.change(before, after) == change


@pytest.mark.parametrize(
    ("before", "after", "opens"),
    [
        (cidr("10.0.0.0/8"), access(), True),
        (access(), cidr("10.0.0.0/8"), False),
        (cidr("10.0.0.0/8"), cidr("10.1.0.0/16"), False),
        (cidr("10.1.0.0/16"), cidr("10.0.0.0/8"), True),
        (cidr("10.1.0.0/16"), cidr("10.1.0.0/16", "2001:db8::/32"), True),
        (cidr("10.1.0.0/16"), {**cidr("10.1.0.0/16"), "auth": "none"}, True),
        (listed("/v1/*"), listed("/v1/*", "/x"), True),
        (listed("/v1/*", "/x"), listed("/v1/*"), False),
        (listed("/v1/*"), listed("/*"), True),
        (listed("/*"), listed("/v1/*"), False),
        ({**cidr("10.1.0.0/16"), "auth": "none"}, listed("/v1/*"), False),
        (access(), access(auth="basic"), False),
        (access(), access(ports={"web": 8443}), True),
        (access(), access(domain="a.example.com"), False),
    ],
)
def test_more_callers_or_less_to_prove_opens(before: Any, after: Any, opens: bool) -> None:
    found = reach.change(before, after)
    assert found is not None
    assert found.opens is opens
