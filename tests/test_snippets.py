"""Every snippet of every template runs as it stands on the page: by tunnel, and from outside with each proof."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner import access
from runner.snippets import Way
from tests import deployed
from tests.snippet_run import Tools, app, certificate, listening, run, walled
from tests.test_sentences import NAMES, allowed
from tests.test_templates import TEMPLATES

WAYS = ["tunnel", "token", "basic", "none"]
CASES = [
    pytest.param(name, auth, id=f"{name}-{auth}")
    for name in NAMES
    for auth in WAYS
    if auth == "tunnel" or allowed(name, next(iter(TEMPLATES[name].service.ports)), "cidr", auth)
]
pytestmark = pytest.mark.skipif(
    not shutil.which("openssl") or not shutil.which("curl"), reason="needs openssl and curl"
)


@pytest.mark.parametrize(("name", "auth"), CASES)
def test_runs_as_it_stands(name: str, auth: str, tmp_path: Path, free_port: Callable[[], int]) -> None:
    tried(name, auth, tmp_path, free_port, Tools())


def tried(name: str, auth: str, folder: Path, free_port: Callable[[], int], tools: Tools) -> list[str]:
    """The titles of those that ran: all for which nothing is missing here."""
    port, outside = next(iter(TEMPLATES[name].service.ports)), free_port()
    expose = "public" if auth in {"token", "basic"} else {"cidr": ["127.0.0.0/8"]}
    opened = {"expose": expose, "auth": auth, "ports": {port: outside}} if auth != "tunnel" else None
    kept = deployed.record(folder / "repo", name, opened=opened, ports={port: free_port()})
    assert kept is not None
    alone, both = certificate(folder)
    (folder / "deployments/access").mkdir(parents=True)
    shutil.copy(alone, folder / "deployments/access/mine.ca.pem")
    (folder / "workflow_api.json").write_text('{"1": {"class_type": "x", "inputs": {}}}')
    inside = app(name, folder / "models")
    tls = opened is not None or kept.endpoints[port]["protocol"] == "https"
    at = outside if opened else kept.endpoints[port]["port"]
    done = []
    with listening(walled(inside, auth) if opened else inside, at, both if tls else None):
        for snippet in access.panel(kept, deployed.source(name))["snippets"]:
            if tools.lacks(snippet):
                continue
            shown = run(snippet, folder, kept, tools)
            assert shown.returncode == 0, f"{snippet['title']}\n{snippet['code']}\n{shown.stderr}"
            done.append(snippet["title"])
    return done


HOSTILE = "a\"'$(touch x)`touch x`\\"


def test_user_of_a_service_is_a_word_in_every_language() -> None:
    way = Way("https://a.example", "https://127.0.0.1", auth="token", ca="ca.pem", user=HOSTILE, password="password")
    tree = ast.parse(way.python)
    assert f"{HOSTILE}:" in {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    said = subprocess.run(
        ["bash", "-c", f'curl() {{ printf "%s\\n" "$@"; }}; PASSWORD=p; {way.curl}'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{HOSTILE}:p" in said.stdout.splitlines()
    assert json.dumps(f"{HOSTILE}:") in way.node


@pytest.mark.parametrize("name", TEMPLATES)
def test_code_of_templates_begins_with_what_gets_through(name: str) -> None:
    """Nothing calls an address on its own: whoever exposes it could not use that."""
    for snippet in TEMPLATES[name].access.snippets:
        assert not re.search(r"\bcurl [^}]", snippet.code), snippet.title
        calls: Any = re.search(r"\{\{ (curl|python|openai|ollama|node)[.\[]|OLLAMA_HOST", snippet.code)
        assert calls, snippet.title
