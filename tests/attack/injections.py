"""Injections: hostile values in every field of every file, record, event, log, mark and variable of the environment.
None is executed, none is live on a page or a terminal, none leads a write out of the repository.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runner import access, inert, pages, records, yamlfile
from runner.errors import RunnerError
from tests.attack import base
from tests.attack.files import RICH, SETTINGS
from tests.attack.payloads import live_on_a_page, live_on_a_terminal, payloads
from tests.attack.report import Report
from tests.attack.shell import Answer, ask
from tests.small import APP, Small

COMMANDS: tuple[tuple[str, ...], ...] = (
    *(("validate",), ("plan",), ("plan", "--markdown"), ("status",), ("status", "-o", "wide"), ("status", "web")),
    *(("access", "web"), ("access", "web", "--show-secrets"), ("events", "web"), ("logs", "web"), ("orphans",)),
    *(("templates", "app"), ("history", "web"), ("drift",), ("unlock", "other")),
)
VARIABLES = (
    "USER",
    "LOGNAME",
    "HOME",
    "TERM",
    "LANG",
    "COLUMNS",
    "GITHUB_ACTOR",
    "CI_JOB_URL",
    "TMPDIR",
    "SHELL",
    "TZ",
    "KEY",
)


@dataclass
class Site:
    """Where one injection takes place."""

    small: Small
    folder: Path
    dice: random.Random

    def into(self, path: str, data: Any, payload: str, write: Callable[[Any], str]) -> str:
        """Put it somewhere into structured data. Says where."""
        places = list(_places(data, ()))
        where = self.dice.choice(places)
        self.small.write(
            path, write(_with(data, where, payload, key=self.dice.random() < 0.15)).encode("utf-8", "replace")
        )
        return f"{path} {'.'.join(map(str, where))}"


def attack(seed: int, tries: int) -> Report:
    """So many injections, each met by two commands and the pages."""
    report = Report("injections", seed)
    dice = report.dice
    with tempfile.TemporaryDirectory() as name, base.environment(Path(name)):
        folder = Path(name)
        trap, outside = folder / "sprung", folder / "outside"
        outside.mkdir()
        evil = payloads(trap, outside)
        small = base.lived_in(folder)
        kept = folder / "kept"
        for place in ("repo", "data"):
            shutil.copytree(folder / place, kept / place, symlinks=True)
        for number in range(tries):
            payload, environment = dice.choice(evil), dict(os.environ)
            where = dice.choice(SITES)(Site(small, folder, dice), payload)
            answers = [ask(small.root, *words) for words in dice.sample(COMMANDS, 2)]
            os.environ.clear()
            os.environ.update(environment)
            report.tried += 1
            for fault in (*_faults(answers), *_left(folder, trap, outside), *_pages(small)):
                report.fault(number, f"{where} = {payload!r}: {fault}")
            trap.unlink(missing_ok=True)
            for place in ("repo", "data"):
                shutil.rmtree(folder / place)
                shutil.copytree(kept / place, folder / place, symlinks=True)
    return report


def _deployment(site: Site, payload: str) -> str:
    return site.into("deployments/web.yaml", yamlfile.parse(RICH), payload, json.dumps)


def _template(site: Site, payload: str) -> str:
    return site.into("templates/app.yaml", yamlfile.parse(APP), payload, json.dumps)


def _settings(site: Site, payload: str) -> str:
    home = f"{site.folder}/repo/services"
    return site.into("runner.yaml", yamlfile.parse(SETTINGS.replace("HOME", home)), payload, json.dumps)


def _record(site: Site, payload: str) -> str:
    data = {"format": records._FORMAT, **asdict(records.read_all(site.small.repo)["web"])}
    data["machine"] = {**data["machine"], "user": "me", "key": "k", "host": "h", "home": "/h", "port": 22}
    path = "inventory/host_vars/web/access.yaml"
    return site.into(path, data, payload, lambda changed: inert.dump(records.VARIABLE, changed, "hostile"))


def _event(site: Site, payload: str) -> str:
    file = next(site.small.root.glob(".runner/runs/*/events.jsonl"))
    first = json.loads(file.read_text().splitlines()[0])
    return site.into(str(file.relative_to(site.small.root)), first, payload, lambda data: json.dumps(data) + "\n")


def _mark(site: Site, payload: str) -> str:
    path = "services/services/web/mark.json"
    return site.into(path, json.loads((site.small.root / path).read_text()), payload, json.dumps)


def _log(site: Site, payload: str) -> str:
    site.small.write("services/services/web/service.log", f"before\n{payload}\nbehind\n".encode())
    return "service.log"


def _git(site: Site, payload: str) -> str:
    path = site.dice.choice(list(base.GIT))
    site.small.write(f".git/{path}", payload.encode())
    return f".git/{path}"


def _variable(site: Site, payload: str) -> str:
    name = site.dice.choice(VARIABLES)
    os.environ[name] = payload.replace("\0", "")
    return f"${name}"


def _name(site: Site, payload: str) -> str:
    """As the name of a file."""
    name = payload.replace("/", "_").replace("\0", "")[:60]
    site.small.write(f"deployments/{name}.yaml", RICH)
    return "a file's name"


SITES: tuple[Callable[[Site, str], str], ...] = (
    *(_deployment, _deployment, _deployment, _template, _settings, _settings, _record, _record, _event),
    *(_mark, _log, _git, _variable, _name),
)


def _places(data: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in children:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _with(data: Any, where: tuple[Any, ...], payload: str, *, key: bool) -> Any:
    changed = json.loads(json.dumps(data))
    holder = changed
    for part in where[:-1]:
        holder = holder[part]
    if key and isinstance(holder, dict):
        holder[payload] = holder.pop(where[-1])
    else:
        holder[where[-1]] = payload
    return changed


def _faults(answers: list[Answer]) -> Iterator[str]:
    for answer in answers:
        yield from answer.faults()
        words = " ".join(answer.words)
        if live := live_on_a_terminal(answer.said):
            yield f"{words}: a terminal obeys {live}"
        if "--markdown" in words and (live := live_on_a_page(answer.out)):
            yield f"{words}: {live}"


def _left(folder: Path, trap: Path, outside: Path) -> Iterator[str]:
    if trap.exists():
        yield "it was executed"
    if list(outside.iterdir()):
        yield "it was written outside"
    if found := {path.name for path in folder.iterdir()} - {"repo", "data", "home", "kept", "outside", "sprung"}:
        yield f"beside the repository there is {found}"


def _pages(small: Small) -> Iterator[str]:
    """What an apply would write now, as far as what is there is accepted."""
    try:
        known = records.read_all(small.repo)
        panel = access.source(yamlfile.parse(yamlfile.read(small.root / "templates" / "app.yaml")))
        texts = [pages.index_page(known.values())]
        texts += [pages.page(access.panel(record, panel), record) for record in known.values()]
    except (RunnerError, yamlfile.YamlFault, KeyError, TypeError, AttributeError, ValueError):
        return  # refused before: a template is checked when it is loaded
    for text in texts:
        if live := live_on_a_page(text):
            yield f"a page shows {live}"
