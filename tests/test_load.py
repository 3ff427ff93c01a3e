"""What a repository is loaded as; and that a faulty file is never taken for a deleted one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import records
from runner.domain import Hold, Kind
from runner.errors import InvalidFiles
from runner.load import inputs_digest
from runner.models import NAME_PATTERN, Deployment
from runner.scan import valid_name
from runner.workflow import Selection, make_plan, plan_loaded
from tests import factories as make
from tests.small import Small, told

FULL = """\
template: app
provider: [local]
state: stopped
machine: {engine: process}
params: {model: large, context: 4096}
env: {LEVEL: 1, DEBUG: true}
secrets: {key: env:KEY}
ports: {api: 9000}
protect: true
hold: {until: 2026-12-24, reason: demo week}
owner: ml-team
labels: {project: chatbot, rank: 1}
"""


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path / "repo")


def test_one_line_is_enough(small: Small) -> None:
    small.deployment("web")
    web = small.load().desired["web"]
    assert (web.name, web.file, web.state, web.providers) == ("web", "deployments/web.yaml", "running", ("local",))
    assert (web.protect, web.hold, web.owner, web.notices) == (False, None, "", ())
    assert web.spec["ports"] == {"web": 8080, "api": 8081}


def test_everything_that_is_written_arrives(small: Small) -> None:
    small.deployment("web", FULL)
    web = small.load().desired["web"]
    assert (web.state, web.protect, web.owner) == ("stopped", True, "ml-team")
    assert web.hold == Hold("2026-12-24", "demo week")
    assert web.spec["machine"]["engine"] == "process"
    assert web.spec["params"]["context"] == 4096
    assert web.spec["env"] == {"LEVEL": "1", "DEBUG": "true"}
    assert web.spec["labels"] == {"project": "chatbot", "rank": "1"}
    assert web.spec["secrets"] == {"key": "env:KEY", "password": "generate"}
    assert web.spec["ports"] == {"web": 8080, "api": 9000}


def test_numbers_stay_as_written_where_text_is_wanted(small: Small) -> None:
    small.deployment(
        "web", "template: app\nenv: {V: 1.10, N: 007, E: 1e3, P: +5}\nparams: {text: 1.10}\nlabels: {v: 2.0}\n"
    )
    loaded = small.load()
    spec = loaded.desired["web"].spec
    assert spec["env"] == {"V": "1.10", "N": "007", "E": "1e3", "P": "+5"}
    assert (spec["params"]["text"], spec["labels"]) == ("1.10", {"v": "2.0"})
    assert spec["service"]["env"]["TEXT"] == "1.10"
    assert "1.10" in spec["service"]["command"]


def test_numbers_are_numbers_where_numbers_are_wanted(small: Small) -> None:
    small.deployment("web", "template: app\nparams: {context: 0512, rate: 1.50, extras: [1.50, 2]}\n")
    spec = small.load().desired["web"].spec
    assert json.loads(json.dumps(spec)) == spec
    assert (str(spec["params"]["context"]), str(spec["params"]["rate"])) == ("512", "1.5")
    assert spec["params"]["extras"] == ["1.50", 2]


def test_defaults_of_the_settings_apply_where_the_file_is_silent(small: Small) -> None:
    small.write("runner.yaml", "id: test\ndefaults: {owner: platform, labels: {team: a, tier: free}}\n")
    small.deployment("web", "template: app\nlabels: {team: b}\n")
    web = small.load().desired["web"]
    assert (web.owner, web.spec["labels"]) == ("platform", {"team": "b", "tier": "free"})


def test_deployments_are_sorted_by_name(small: Small) -> None:
    for port, name in enumerate(("b", "a-2", "a", "a1")):
        small.deployment(name, f"template: app\nports: {{web: {9000 + port}, api: {9100 + port}}}\n")
    assert list(small.load().desired) == ["a", "a-2", "a1", "b"]


def test_fields_without_effect_are_noticed_when_they_are_set(small: Small) -> None:
    small.deployment("web", "template: app\nbudget: {max_hourly: 1.5}\nlifecycle: {idle: 30m}\n")
    assert small.load().desired["web"].notices == (
        ("budget.max_hourly", "is accepted but has no effect yet"),
        ("lifecycle.idle", "is accepted but has no effect yet"),
    )


@given(st.text(st.sampled_from("ab-Z0_. é\n"), max_size=45) | st.from_regex(NAME_PATTERN, fullmatch=True))
def test_names_are_those_of_the_schema(stem: str) -> None:
    assert valid_name(stem) is bool(stem and re.fullmatch(NAME_PATTERN, stem))


def test_fingerprint_of_the_files_moves_with_what_is_wanted(small: Small) -> None:
    def fingerprint(text: str) -> str:
        small.deployment("web", text)
        return inputs_digest(small.load().desired.values())

    base = fingerprint("template: app\n")
    assert fingerprint("# said differently\ntemplate: 'app'\nstate: running\n") == base
    for line in ("state: stopped", "protect: true", "owner: me", "hold: {until: 2026-12-24, reason: x}"):
        assert fingerprint(f"template: app\n{line}\n") != base


# --- Faulty is not deleted -------------------------------------------------------------------------------------------


def rename(small: Small, name: str) -> Path:
    return (small.root / "deployments" / "web.yaml").rename(small.root / "deployments" / name)


WAYS_TO_BREAK_A_FILE = {
    "syntax": lambda small: small.deployment("web", "template: [\n"),
    "unknown field": lambda small: small.deployment("web", "template: app\nporvider: x\n"),
    "empty": lambda small: small.deployment("web", ""),
    "not UTF-8": lambda small: small.deployment("web", b"\xff"),
    "template gone": lambda small: small.deployment("web", "template: gone\n"),
    "template broken": lambda small: (
        small.write("templates/off.yaml", "x") and small.deployment("web", "template: off")
    ),
    "template by path": lambda small: small.deployment("web", "template: ../templates/app\n"),
    "suffix": lambda small: rename(small, "web.yml"),
    "capital suffix": lambda small: rename(small, "web.YAML"),
    "twin": lambda small: small.deployment("Web"),
    "broken link": lambda small: rename(small, ".away").with_name("web.yaml").symlink_to("x.yaml"),
}


@pytest.mark.parametrize("way", WAYS_TO_BREAK_A_FILE)
def test_faulty_file_never_looks_deleted(small: Small, way: str) -> None:
    small.deployment("other", "template: app\nports: {web: 1080, api: 1081}\n")
    small.deployment("web")
    for want in small.load().desired.values():
        records.write(small.repo, make.record(want, machine={}))
    WAYS_TO_BREAK_A_FILE[way](small)

    loaded = small.load()
    assert "web" in loaded.names
    assert "web" not in loaded.desired
    for selection in (Selection(), Selection(("web",)), Selection(exclude=("other",)), Selection(("web", "other"))):
        with pytest.raises(InvalidFiles):
            make_plan(small.repo, selection)
    assert [(a.deployment, a.kind) for a in make_plan(small.repo, Selection(("other",))).plan.actions] == [
        ("other", Kind.CREATE)
    ]
    assert "web" not in {action.deployment for action in plan_loaded(loaded).plan.actions}


def test_deleted_file_is_planned_for_destruction(small: Small) -> None:
    """The other side of the test above: it would pass if nothing were ever destroyed."""
    small.deployment("web")
    records.write(small.repo, make.record(small.load().desired["web"], machine={}))
    (small.root / "deployments" / "web.yaml").unlink()
    [action] = make_plan(small.repo).plan.actions
    assert (action.deployment, action.kind) == ("web", Kind.DESTROY)


def test_file_that_moved_into_a_folder_stops_every_plan(small: Small) -> None:
    small.deployment("other")
    small.write("deployments/team/web.yaml", "template: app\n")
    for names in ((), ("other",)):
        with pytest.raises(InvalidFiles) as caught:
            make_plan(small.repo, Selection(names))
        assert [problem[:2] for problem in told(caught.value.problems)] == [("deployments/team", "nested-folder")]


# --- For every mapping -----------------------------------------------------------------------------------------------

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["app", "local", "env:A"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)
fields = st.sampled_from([*Deployment.model_fields, "web"])
mappings = st.dictionaries(fields | st.text(max_size=8), values, max_size=6).map(
    lambda data: {"template": "app", **data}
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return Small(tmp_path_factory.mktemp("any") / "repo")


@settings(max_examples=150)
@given(st.data())
def test_any_mapping_is_a_deployment_or_has_faults(shared: Small, data: st.DataObject) -> None:
    shared.deployment("web", yaml.safe_dump(data.draw(mappings), allow_unicode=data.draw(st.booleans())))
    loaded = shared.load()
    assert bool(loaded.desired) is not bool(loaded.problems)
    assert loaded.names == {"web"}
    for problem in loaded.problems:
        assert problem.code
        assert problem.message
        assert problem.file == "deployments/web.yaml"
