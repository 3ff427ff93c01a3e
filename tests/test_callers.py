"""What an access page tells callers from outside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runner import access, callers, specs
from runner.domain import Record
from tests import factories as make

SOURCE: dict[str, Any] = access.source(
    {
        "name": "App",
        "access": {
            "endpoints": [{"label": "Page", "port": "web"}],
            "snippets": [
                {"title": "Ask", "code": "curl -H 'Authorization: mine' {{ urls.web }}/x"},
                {"title": "Ask in Python", "language": "python", "code": "get('{{ urls.web }}')"},
                {"title": "Nothing of it", "code": "curl https://example.com"},
            ],
        },
    }
)


def record(**more: Any) -> Record:
    wanted = {"expose": "public", "auth": "token", "domain": "", "tls": "internal", "ports": {"web": 443}, **more}
    spec = make.spec(access=wanted, secrets={"access_token": "generate"})
    where = {"id": "a", "address": "203.0.113.7", "engine": "docker", "tunnel": True, "user": "root", "port": 22}
    return replace(make.record(), spec=spec, machine=where, endpoints=specs.endpoints(spec, "127.0.0.1", "203.0.113.7"))


def code(of: Record) -> dict[str, str]:
    return {snippet["title"]: snippet["code"] for snippet in access.panel(of, SOURCE)["snippets"]}


def test_links_lead_to_the_proxy_and_the_tunnel_to_the_service() -> None:
    panel = access.panel(record(), SOURCE)
    assert panel["endpoints"][0]["url"] == "https://203.0.113.7"
    assert "-L 8888:127.0.0.1:8888" in panel["tunnel"]


def test_snippets_work_from_outside() -> None:
    found = code(record())
    start = "curl --cacert deployments/access/web.ca.pem -H "
    assert found["Call it from outside"] == start + '"Authorization: Bearer $ACCESS_TOKEN" https://203.0.113.7/'
    assert found["Ask"] == start + "\"X-Slipway-Token: $ACCESS_TOKEN\" -H 'Authorization: mine' https://203.0.113.7/x"
    assert found["Ask in Python"].splitlines() == [
        "# From outside: certificate: SSL_CERT_FILE=deployments/access/web.ca.pem",
        "# From outside: every request needs the token: as api_key, or as the header X-Slipway-Token",
        "get('https://203.0.113.7')",
    ]
    assert found["Nothing of it"] == "curl https://example.com"


@pytest.mark.parametrize(
    ("more", "call"),
    [
        ({"auth": "basic", "tls": "acme", "domain": "a.b.com"}, 'curl -u "slipway:$ACCESS_PASSWORD" https://a.b.com/'),
        ({"auth": "none", "tls": "acme", "domain": "a.b.com"}, "curl https://a.b.com/"),
    ],
)
def test_call_fits_what_is_asked_for(more: dict[str, Any], call: str) -> None:
    assert code(record(**more))["Call it from outside"] == call


def test_python_of_the_page_is_python() -> None:
    for auth in ("token", "basic", "none"):
        compile(code(record(auth=auth))["Call it from outside with Python"], "snippet", "exec")


def test_page_names_certificate_and_secret_and_holds_none() -> None:
    kept = record()
    page = access.page(access.panel(kept, SOURCE), kept)
    assert "It is public at port 443, token." in page
    assert "deployments/access/web.ca.pem" in page
    assert "- access_token: inventory/host_vars/web/secrets.yaml (encrypted)" in page


def test_nobody_from_outside_is_told_nothing() -> None:
    kept = replace(record(), spec=make.spec())
    assert callers.facts(kept) is None
    assert set(code(kept)) == {"Ask", "Ask in Python", "Nothing of it"}
