"""What people write is data: it arrives as it was written, and nothing on the way evaluates it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.world import World, ask

LONG = "long " * 20_000
HARMLESS = {
    "BLOCK": "{% for x in [1, 2] %}{{ x }}{% endfor %}{# gone? #}",
    "UNFINISHED": "{{ {% {# }} %} #}",
    "VARIABLE": "{{ slipway_deployment }} {{ secrets.token }} {{ ansible_version }}",
    "SHELL": """$HOME ${PATH} ~ * ? ! & | > < ; ' " ` \\ # \\n""",
    "SUPERVISOR": "%(here)s %(ENV_HOME)s %(program_name)s %% %s 100% %",
    "LINES": "one\ntwo\r\n\tthree\n\n",
    "SPACES": "  in front and behind  ",
    "UNICODE": "Grüße 💡 日本語 \u202e\u200b e\u0301",
    "YAML": "!unsafe yes",
    "TAG": "!vault |",
    "NULL": "null",
    "OCTAL": "0123",
    "FLOAT": "1e3",
    "COLON": "a: b # c",
    "JSON": '{"a": ["b"]}',
    "EMPTY": "",
    "LONG": LONG,
    "secret_parts": "a name that means something inside",
    "ANSIBLE_CONFIG": "/nowhere",
}


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that comes into being if anything is evaluated."""
    return tmp_path_factory.mktemp("trap") / "sprung"


@pytest.fixture(scope="module")
def evil(trap: Path) -> dict[str, str]:
    return {
        "LOOKUP": f"{{{{ lookup('pipe', 'touch {trap}') }}}}",
        "PYTHON": f"{{{{ cycler.__init__.__globals__.os.system('touch {trap}') }}}} {{{{ ''.__class__.__mro__ }}}}",
        "COMMAND": f"$(touch {trap}) `touch {trap}`; touch {trap} && touch {trap} | touch {trap}\ntouch {trap}",
        "QUOTES": f"'; touch {trap}; ' \"; touch {trap}; \"",
        "PERCENT": f"%(ENV_X)s\ncommand=touch {trap}\n[program:x]\ncommand=touch {trap}\n",
    }


@pytest.fixture(scope="module")
def made(shared: World, evil: dict[str, str], port: Callable[[], int]) -> tuple[World, int]:
    number = port()
    wanted: dict[str, Any] = {
        "template": "beacon",
        "machine": {"engine": "process"},
        "ports": {"web": number},
        "params": {"word": evil["LOOKUP"] + evil["COMMAND"] + HARMLESS["SUPERVISOR"] + HARMLESS["UNICODE"]},
        "env": {**HARMLESS, **evil, "NUMBER": 5, "TRUTH": True},
        "labels": {**HARMLESS, **evil},
        "owner": evil["LOOKUP"] + HARMLESS["BLOCK"],
    }
    shared.deployment("data", json.dumps(wanted, ensure_ascii=False, indent=1) + "\n")
    shared.ok("reconcile", "--yes", "-v")
    return shared, number


def test_environment_arrives_verbatim(made: tuple[World, int], evil: dict[str, str], trap: Path) -> None:
    _, number = made
    env = ask(number)["env"]
    wanted = {**HARMLESS, **evil, "NUMBER": "5", "TRUTH": "true"}
    assert {name: env[name] for name in wanted} == wanted
    assert not trap.exists()


def test_params_arrive_verbatim_in_arguments_and_environment(made: tuple[World, int], evil: dict[str, str]) -> None:
    _, number = made
    answer = ask(number)
    word = evil["LOOKUP"] + evil["COMMAND"] + HARMLESS["SUPERVISOR"] + HARMLESS["UNICODE"]
    assert answer["env"]["WORD"] == word
    assert answer["argv"] == [str(number), word]


def test_nothing_is_evaluated_when_read_again(made: tuple[World, int], trap: Path) -> None:
    world, _ = made
    assert world.actions(code=0) == {"data": "none"}
    before = world.files()
    done = world.ansible()
    assert done.returncode == 0, done.stdout
    assert "data                       : ok=" in done.stdout
    assert "changed=0" in done.stdout.partition("data                       : ok=")[2].splitlines()[0]
    assert world.files() == before
    for command in ("status", "access", "events", "history", "logs"):
        world.ok(command, "data")
    assert not trap.exists()


@pytest.mark.parametrize("value", ["\\0", "\\uD800"])
def test_what_no_environment_can_hold_is_refused_in_time(fresh: World, value: str) -> None:
    fresh.beacon("bad", 1, f'env: {{BAD: "{value}"}}\n')
    done = fresh.run("plan")
    assert done.returncode == 3, done.stderr
    assert "deployments/bad.yaml:4" in done.stderr
    assert "Traceback" not in done.stderr
