"""Faults of the files that all deployments share: templates and `runner.yaml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import InvalidFiles, Problem
from tests.small import APP, Small


@pytest.fixture
def small(tmp_path: Path) -> Small:
    made = Small(tmp_path / "repo")
    made.deployment("web")
    made.deployment("other", "template: app\nports: {web: 1080, api: 1081}\n")
    return made


def shown(problem: Problem) -> str:
    return f"{problem.where} {problem.code} {problem.field}: {problem.message}"


EXPRESSION = "templates/app.yaml bad-expression service: the expression cannot be resolved: "
PATTERN = "templates/app.yaml:11 invalid-value params.tag.pattern: "
ROLE = "templates/app.yaml:5 invalid-value role: role must match ^[a-z][a-z0-9_]*$"
KEY = "templates/app.yaml:14 invalid-value params.key: "


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("params.model }}", "parms.model }}", EXPRESSION + "'parms' is undefined"),
        ("params.model }}", "params.modle }}", EXPRESSION + "'dict object' has no attribute 'modle'"),
        ("params.model }}", "1 / 0 }}", EXPRESSION + "ZeroDivisionError: division by zero"),
        ("params.model }}", "params", EXPRESSION + "unexpected end of template, expected 'end of print statement'."),
        (
            "params.model }}",
            "''.__class__.__mro__ }}",
            EXPRESSION + "access to attribute '__class__' of 'str' object is unsafe.",
        ),
        (
            "params.model }}",
            "secrets.password }}",
            EXPRESSION + "a secret must not be in a command: every user of the machine could read it",
        ),
        (
            "image: example/app:1",
            "image: 'example/app:{{ secrets.password }}'",
            EXPRESSION + "a secret must not be in a command: every user of the machine could read it",
        ),
        (
            "secrets.password }}",
            "secrets.password | upper }}",
            EXPRESSION + "a secret can only be used as it is: its value is not known here",
        ),
        ("category: custom\n", "category: custom\nrole: ../docs/run\n", ROLE),
        ("category: custom\n", "category: custom\nrole: /tmp/run\n", ROLE),
        ("category: custom\n", "category: custom\nrole: people.own.run\n", ROLE),
        (
            "  health: {port: web}\n",
            "",
            "templates/app.yaml:15 missing-field service.health: service.health is required",
        ),
        (
            "health: {port: web}",
            "health: {port: wbe}",
            "templates/app.yaml:15 invalid-value service: service health.port 'wbe' is not one of the ports: web, api",
        ),
        (
            "{label: Page, port: web}",
            "{label: Page, port: wbe}",
            "templates/app.yaml:1 invalid-value : access endpoint 'Page' uses port 'wbe', which the service has not",
        ),
        ("version: 1.0.0", "version: 1.0", "templates/app.yaml:2 invalid-value version: version must be text"),
        (
            'pattern: "[a-z]+"',
            'pattern: "[a-z"',
            PATTERN + "params.tag.pattern is not a regular expression: unterminated character set at position 0",
        ),
        (
            "{description: API key, secret: true}",
            "{description: API key, generate: true}",
            KEY + "params.key generate is only for secret parameters",
        ),
        (
            "{description: API key, secret: true}",
            "{description: API key, secret: true, default: canary}",
            KEY + "params.key a secret has no default in a file; use generate: true",
        ),
    ],
)
def test_fault_of_a_template(small: Small, old: str, new: str, expected: str) -> None:
    assert old in APP
    small.write("templates/app.yaml", APP.replace(old, new))
    loaded = small.load()
    assert [shown(problem) for problem in loaded.problems] == [expected]
    assert not loaded.desired
    assert loaded.names == {"web", "other"}


def test_faults_of_a_template_that_nobody_uses_are_reported_too(small: Small) -> None:
    small.write("templates/unused.yaml", "name: Unused\nicno: x\n")
    loaded = small.load()
    assert {problem.file for problem in loaded.problems} == {"templates/unused.yaml"}
    assert ("unknown-field", 2) in {(problem.code, problem.line) for problem in loaded.problems}
    assert loaded.desired.keys() == {"web", "other"}


def test_template_that_is_a_broken_link_is_a_fault(small: Small) -> None:
    (small.root / "templates" / "lost.yaml").symlink_to("nowhere.yaml")
    expected = "templates/lost.yaml unreadable-file : cannot be read: No such file or directory"
    assert [shown(problem) for problem in small.load().problems] == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id: UPPER\n", ":1 invalid-value id: id must match ^[a-z0-9][a-z0-9-]{0,40}$"),
        ("\ndefaults: {provdier: x}\n", ":2 unknown-field defaults.provdier: provdier is not a known field"),
        ("defaults: {provider: locall}\n", ":1 unknown-provider defaults.provider: locall is not a known provider"),
        ("defaults: {provider: [local, x]}\n", ":1 unknown-provider defaults.provider: x is not a known provider"),
        ("currency: BTC\n", ":1 invalid-value currency: currency must be one of USD, EUR or GBP"),
        ("providers: {locall: {}}\n", ":1 unknown-provider providers.locall: locall is not a known provider"),
        ("providers:\n  local:\n    hmoe: x\n", ":3 unknown-field providers.local.hmoe: hmoe is not a known field"),
        ("providers: {local: {home: 5}}\n", ":1 invalid-value providers.local.home: providers.local.home must be text"),
        ("- id\n", ":1 not-a-mapping : the file must be a mapping of fields"),
        ("", " empty-file : the file is empty"),
    ],
)
def test_fault_of_the_settings(small: Small, text: str, expected: str) -> None:
    small.write("runner.yaml", text)
    loaded = small.load()
    assert [shown(problem) for problem in loaded.problems] == [f"runner.yaml{expected}"]
    assert loaded.names == {"web", "other"}


def test_faulty_settings_stop_everything(small: Small) -> None:
    """Under default settings everything would be looked for in the wrong place and under the wrong id."""
    small.write("runner.yaml", "id: test\nproviders: {local: {hmoe: /srv}}\n")
    loaded = small.load()
    for check in (loaded.require_settings, loaded.require_valid, lambda: loaded.require_valid(["web"])):
        with pytest.raises(InvalidFiles) as caught:
            check()
        assert [problem.file for problem in caught.value.problems] == ["runner.yaml"]


def test_no_settings_are_right(small: Small) -> None:
    (small.root / "runner.yaml").unlink()
    loaded = small.load()
    assert loaded.problems == []
    assert loaded.settings["defaults"]["provider"] == "local"


def test_every_fault_of_every_file_is_reported_at_once_and_in_order(small: Small) -> None:
    small.write("runner.yaml", "currency: BTC\nid: UPPER\n")
    small.write("templates/off.yaml", "name: Off\n")
    small.deployment("b", "template: app\nowner: [x]\nporvider: local\nstate: on\n")
    small.deployment("a", "template: ap\n")
    small.deployment("c", b"\xff")
    small.write("deployments/d.yml", "template: app\n")
    problems = small.load().problems
    places = [(p.file, p.line, p.field) for p in problems]
    assert places == sorted(places)
    assert [where for where in places if where[0] != "templates/off.yaml"] == [
        ("deployments/a.yaml", 1, "template"),
        ("deployments/b.yaml", 2, "owner"),
        ("deployments/b.yaml", 3, "porvider"),
        ("deployments/b.yaml", 4, "state"),
        ("deployments/c.yaml", 1, ""),
        ("deployments/d.yml", 0, ""),
        ("runner.yaml", 1, "currency"),
        ("runner.yaml", 2, "id"),
    ]
    missing = {p.field for p in problems if p.file == "templates/off.yaml"}
    assert missing == {"version", "description", "category", "service", "access"}
