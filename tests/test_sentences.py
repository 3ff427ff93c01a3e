"""Every sentence of an access page, in each of its cases: there where it is true, and nowhere else."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner import access, pages, reach, sentences
from runner.domain import Record
from tests import deployed
from tests.test_templates import TEMPLATES


def allowed(name: str, port: str, expose: str, auth: str) -> bool:
    """What `validate` lets through: see tests/test_exposure.py."""
    asks = TEMPLATES[name].access.callers
    one = asks.get(port, asks.get("*"))
    return one is not None and {
        "none": expose != "public" and bool(one.without_auth),
        "basic": not one.takes_authorization(),
    }.get(auth, True)


CIDR = {"cidr": ["10.0.0.0/8", "192.0.2.0/24"]}
EXPOSED: dict[str, Any] = {"tunnel": None, "cidr": CIDR, "public": "public"}
NAMES = [name for name in TEMPLATES if name != "custom-script"]  # its script is a file that is not there
CASES = [
    pytest.param(name, port, expose, auth, id=f"{name}-{port}-{expose}-{auth}")
    for name in NAMES
    for port in TEMPLATES[name].service.all_ports()
    for expose in EXPOSED
    for auth in (["token", "basic", "none"] if expose != "tunnel" else [""])
    if allowed(name, port, expose, auth)
]


def made(folder: Path, name: str, port: str, expose: str, auth: str, **more: Any) -> Record:
    opened = {"expose": EXPOSED[expose], "auth": auth, "ports": {port: 443}} if auth else None
    chat: dict[str, Any] = {"params": {"chat": True}} if port == "chat" else {}
    found = deployed.record(folder, name, opened=opened, **chat, **more)
    assert found is not None
    return found


def told(kept: Record) -> dict[str, Any]:
    return access.panel(kept, deployed.source(kept.spec["template"]))


@pytest.mark.parametrize(("name", "port", "expose", "auth"), CASES)
def test_page_is_true(tmp_path: Path, name: str, port: str, expose: str, auth: str) -> None:
    kept = made(tmp_path / "repo", name, port, expose, auth)
    panel, asks = told(kept), TEMPLATES[name].access.callers
    said, caller = "\n".join(panel["reach"]), asks.get(port, asks.get("*"))
    assert caller is not None
    claims = {
        "Nothing is public": not auth,
        "The addresses below hold while a tunnel is open": not auth,
        "that it was started on": False,
        "Everybody reaches": expose == "public",
        "Whoever connects from 10.0.0.0/8 or 192.0.2.0/24 reaches": expose == "cidr",
        "The proxy asks for the token access_token": auth == "token",
        "Authorization: Bearer $ACCESS_TOKEN": auth == "token" and not caller.takes_authorization(),
        "X-Slipway-Token: $ACCESS_TOKEN": auth == "token",
        "Authorization belongs to the service itself": auth == "token" and caller.takes_authorization(),
        "A browser is asked for the token once": auth == "token",
        "The proxy asks for the user slipway and the password access_password": auth == "basic",
        "The proxy asks nobody": auth == "none",
        "It passes these paths": auth == "none" and "/*" not in caller.without_auth,
        "It passes everything": auth == "none" and "/*" in caller.without_auth,
        "for its own": any(one.key for one in asks.values()),
        "for nothing else": any(one.key_covers for one in asks.values()),
        "asks on its page for the password": caller.login == "password",
        "by basic authentication": caller.login == "basic",
        "asks for an account": port == "chat",
        "is not known here": caller.login == "unknown",
        "asks for nothing: whoever gets this far may use it": name
        in {"ollama", "comfyui", "automatic1111", "chatterbox-tts"},
        "So there are two": auth in {"token", "basic"} and (bool(caller.key) or caller.login not in {"", "unknown"}),
        "The certificate is of the machine's own authority": bool(auth),
        "service workers": bool(auth) and caller.trusted,
        "The certificate is the service's own": name == "desktop" and not auth,
    }
    wrong = {claim: true for claim, true in claims.items() if (claim in said) != true}
    assert not wrong, said


@pytest.mark.parametrize(("name", "port", "expose", "auth"), CASES)
def test_page_names_only_what_is_there(tmp_path: Path, name: str, port: str, expose: str, auth: str) -> None:
    """Variables are secrets of the deployment, files are written, addresses are those of the record."""
    kept = made(tmp_path / "repo", name, port, expose, auth)
    panel = told(kept)
    code = "\n".join(snippet["code"] for snippet in panel["snippets"])
    text = "\n".join([*panel["reach"], panel["instructions"], code])
    named = re.findall(r"\$([A-Z_]{4,})|environ\[\"(\w+)\"\]|process\.env\.(\w+)", text)
    assert {next(filter(None, found)) for found in named} - {"VOICE", "DATA"} <= {
        key.upper() for key in kept.spec["secrets"]
    }
    assert set(re.findall(r"deployments/access/[\w.-]+", text)) <= {"deployments/access/mine.ca.pem"}
    assert ("deployments/access/mine.ca.pem" in text) == bool(auth)
    urls = {str(end["url"]) for end in kept.endpoints.values()}
    ports = kept.spec["service"]["ports"].values()
    local = {f"{one['protocol']}://127.0.0.1:{one['host']}" for one in ports}
    assert {found.rstrip(".,") for found in re.findall(r"https?://[\w.:-]+", text)} <= urls | local


@pytest.mark.parametrize("name", NAMES)
def test_templates_leave_it_to_facts_who_may_use_it(name: str) -> None:
    words = TEMPLATES[name].access.instructions.lower()
    assert not re.findall(r"no login|no authentication|whoever reaches|anybody|everybody|log in|callers send", words)


def test_what_runs_here_needs_no_tunnel(tmp_path: Path) -> None:
    kept = made(tmp_path / "repo", "jupyter", "web", "tunnel", "")
    panel = told(replace(kept, provider="local", machine=deployed.HERE))
    assert panel["reach"][0].startswith(
        "Nothing is public: it listens on 127.0.0.1 of the machine that it was started on"
    )
    assert "runner tunnel" not in pages.page(panel, kept)


def test_port_beside_the_exposed_one_is_said_to_be_closed(tmp_path: Path) -> None:
    opened = {"expose": "public", "ports": {"api": 443}}
    kept = deployed.record(tmp_path / "repo", "ollama", opened=opened, params={"chat": True})
    assert kept is not None
    said = "\n".join(told(kept)["reach"])
    assert "The port chat is not exposed: runner tunnel mine brings it to you." in said
    assert "The service itself, at api, asks for nothing" in said
    assert "The service itself, at chat, asks for an account" in said


def test_domain_that_everybody_trusts_needs_no_file(tmp_path: Path) -> None:
    opened = {"expose": "public", "domain": "code.example.com"}
    kept = deployed.record(tmp_path / "repo", "code-server", opened=opened)
    assert kept is not None
    text = pages.page(told(kept), kept)
    assert "https://code.example.com" in text
    assert ".ca.pem" not in text
    assert "service workers" not in text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("generate", "made once, kept encrypted in inventory/host_vars/mine/secrets.yaml"),
        ("vault:SHARED", "kept encrypted as SHARED in inventory/group_vars/all/vault.yaml"),
        ("env:MY_TOKEN", "in the environment variable MY_TOKEN of whoever applies it, and not in the repository"),
        ("file:~/token", "in the file ~/token of whoever applies it, and not in the repository"),
    ],
)
def test_secret_is_where_the_page_says(tmp_path: Path, source: str, words: str) -> None:
    opened = {"expose": "public"}
    kept = deployed.record(tmp_path / "repo", "vllm", opened=opened, secrets={"access_token": source})
    assert kept is not None
    [where] = [row["where"] for row in told(kept)["secrets"] if row["name"] == "access_token"]
    assert where.startswith(words)
    assert where.endswith("runner access mine --secret access_token shows it")
    assert where == sentences.secret("access_token", "mine", source)


def test_links_that_the_proxy_refuses_are_not_there(tmp_path: Path) -> None:
    opened = {"expose": CIDR, "auth": "none"}
    kept = deployed.record(tmp_path / "repo", "vllm", opened=opened)
    assert kept is not None
    assert [end["label"] for end in told(kept)["endpoints"]] == ["OpenAI-compatible API"]
    assert reach.passes(kept.spec["access"], "api", "/v1/models")
    assert not reach.passes(kept.spec["access"], "api", "/metrics")
