"""What an action is about: four to six lines each, and few lines for very many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runner.domain import Action, Exposure, Kind, Plan
from runner.render.plan import plan_text
from runner.render.plan_data import plan_from_json, plan_json
from runner.render.plan_markdown import LIMIT, plan_markdown
from runner.render.style import Style
from runner.render.text import width
from tests.render import samples

PLAIN = Style(width=100, now=samples.NOW)
DIGEST = "5a5d014aa774f78ebe1340c0d4afc2e35afc12a2c3b34c84e71f78ea20af4ba3"
RESOLVED: dict[str, Any] = {
    "template": "ollama",
    "version": "1.2.0",
    "image": f"ollama/ollama:0.12.3@sha256:{DIGEST}",
    "images": {"web": "ghcr.io/open-webui/open-webui:0.6"},
    "script": "",
    "packages": [],
    "models": ["qwen2.5:7b"],
    "provider": "ssh",
    "place": "host gpu-1",
    "engine": "docker",
    "gpus": "1 × L4",
    "chosen": True,
    "ports": {"api": {"host": 11434, "address": "127.0.0.1:11434"}},
    "access": {"expose": "tunnel"},
    "volumes": {"models": "/root/.ollama"},
    "secrets": {"HF_TOKEN": "env:HF_TOKEN", "password": "generate"},
}
CREATE = Action("chat", "ssh", Kind.CREATE, "new", price_source="own hardware", resolved=RESOLVED)


def text(*actions: Action, verbose: bool = False, style: Style = PLAIN) -> list[str]:
    return plan_text(Plan(actions), style=style, verbose=verbose, command="").splitlines()


def test_a_new_deployment_says_what_where_how_and_for_how_much() -> None:
    assert text(CREATE)[2:] == [
        "+ create   chat  ssh  new",
        "    runs    ollama 1.2.0; model qwen2.5:7b; ollama/ollama:0.12.3@5a5d014aa774; web:",
        "            ghcr.io/open-webui/open-webui:0.6",
        "    on      host gpu-1 by docker, 1 × L4 (chosen now; may change if others take it)",
        "    at      api 127.0.0.1:11434; reached by tunnel only",
        "    data    kept in models (/root/.ollama)",
        "    secrets HF_TOKEN (env:HF_TOKEN), password (generated)",
        "    price   free  own hardware",
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"image": "", "images": {}, "packages": ["jupyterlab==4.6"], "engine": "process"}, "jupyterlab==4.6"),
        ({"image": "", "images": {}, "script": "scripts/a.sh"}, "ollama 1.2.0; model qwen2.5:7b; scripts/a.sh"),
        ({"models": ["a", "b"]}, "models a, b"),
        ({"chosen": False}, "host gpu-1 by docker, 1 × L4"),
        ({"place": "", "chosen": False}, "a machine that is not chosen yet by docker"),
        (
            {"access": {"expose": "public", "auth": "token", "domain": "chat.example.com", "ports": {"api": 443}}},
            "open to everybody: api at port 443 of chat.example.com, authentication: token",
        ),
        (
            {"access": {"expose": {"cidr": ["203.0.113.0/24"]}, "auth": "none", "ports": {"api": 8443}}},
            "open to 203.0.113.0/24: api at port 8443, authentication: none",
        ),
    ],
)
def test_each_line_says_what_is_so(change: dict[str, Any], told: str) -> None:
    shown = "\n".join(text(replace(CREATE, resolved={**RESOLVED, **change}), style=replace(PLAIN, width=300)))
    assert told in shown


@pytest.mark.parametrize("kind", [Kind.DESTROY, Kind.REPLACE])
def test_data_that_goes_is_never_called_kept(kind: Kind) -> None:
    assert "kept in" not in "\n".join(text(replace(CREATE, kind=kind)))


def test_what_blocks_needs_no_more_than_cause_and_cure() -> None:
    blocked = replace(CREATE, kind=Kind.BLOCKED, reason="port 1 is taken", hint="ports: {web: 2}")
    assert text(blocked)[2:4] == ["! blocked  chat  ssh  port 1 is taken", "    → ports: {web: 2}"]
    assert any("runs" in line for line in text(blocked, verbose=True))


def many(count: int) -> list[Action]:
    return [replace(CREATE, deployment=f"chat-{number}") for number in range(count)]


def test_a_plan_of_a_thousand_stays_readable_and_dangers_stand_alone() -> None:
    opens = Exposure("nobody", "everybody", opens=True)
    special = [
        Action("old", "ssh", Kind.DESTROY, "its file was deleted"),
        replace(CREATE, deployment="shop", exposure=opens),
    ]
    shown = text(*many(1000), *special)
    assert len(shown) < 25
    assert all(width(line) <= PLAIN.width for line in shown)
    whole = "\n".join(shown)
    assert shown[2].startswith("- destroy  old")
    assert "access nobody → everybody (opens it)" in whole
    assert "+ create   1,000 × ollama on machines of ssh: new" in whole
    assert "chat-59 and 940 more" in whole
    assert "-v shows what each of them runs" in whole
    assert sum("runs " in line for line in text(*many(1000), verbose=True)) == 1000


def test_a_dozen_is_told_in_full() -> None:
    assert sum(line.startswith("    runs") for line in text(*many(12))) == 12


def test_the_document_has_it_and_a_saved_plan_gives_it_back() -> None:
    plan = Plan((CREATE, Action("x", "ssh", Kind.NONE, "up to date")))
    document = plan_json(plan)
    assert document["actions"][0]["resolved"] == RESOLVED
    assert document["actions"][1]["resolved"] is None
    assert plan_from_json(document) == plan
    for action in document["actions"]:
        del action["resolved"]  # as a plan of before
    assert plan_from_json(document).actions[0].resolved == {}


def test_the_comment_has_it_folded_and_stays_short_enough() -> None:
    page = plan_markdown(Plan((CREATE,)), style=PLAIN)
    assert "<details><summary>What, where, how (1)</summary>" in page
    assert "host gpu-1 by docker, 1 × L4" in page
    assert len(plan_markdown(Plan(tuple(many(1000))), style=PLAIN)) <= LIMIT
