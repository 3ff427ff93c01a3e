"""A composed file says what was asked for and passes every check; its ports are free."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runner import new, yamlfile
from runner.domain import Desired
from runner.errors import InvalidFiles, UsageError
from runner.load import read_settings, read_templates
from runner.template import Template
from tests.conftest import ROOT
from tests.small import Small


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path / "repo")


@pytest.fixture
def app(small: Small) -> Template:
    return read_templates(small.repo)[0]["app"]


@pytest.fixture
def needy(small: Small) -> Template:
    return read_templates(small.repo)[0]["needy"]


# --- --set -----------------------------------------------------------------------------------------------------------


def test_words_find_their_place(app: Template) -> None:
    words = [
        "model=large",
        "key=env:KEY",
        "web=9000",
        "owner=me",
        "machine.engine=docker",
        "env.A=b",
        "hold.until=2026-12-24",
    ]
    assert new.fields(app, words) == {
        "params": {"model": "large"},
        "secrets": {"key": "env:KEY"},
        "ports": {"web": 9000},
        "owner": "me",
        "machine": {"engine": "docker"},
        "env": {"A": "b"},
        "hold": {"until": "2026-12-24"},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("a=b", "a=b"),
        ("5", 5),
        ("'5'", "5"),
        ("1e3", 1000.0),
        ("no", "no"),
        ("true", True),
        ("null", None),
        ("[a, 1]", ["a", 1]),
        ("{a: 1}", {"a": 1}),
        ("[a", "[a"),
        ("{{ x }}", "{{ x }}"),
        ("a: b: c", "a: b: c"),
        ("*x", "*x"),
        ("- a", "- a"),
        ("a # b", "a # b"),
        ("# b", "# b"),
        ("'a # b'", "a # b"),
        ("a\nowner: b", "a\nowner: b"),
        ("'a'\nowner: b", "'a'\nowner: b"),
        ("\udce9", "\udce9"),
    ],
)
def test_value_is_read_as_in_a_file_without_losing_any_of_it(app: Template, text: str, value: Any) -> None:
    assert new.fields(app, [f"env.A={text}"]) == {"env": {"A": value}}


@pytest.mark.parametrize("text", ["", "5", "1.10", "true", "null", "[a, 1]", "a # b"])
def test_text_parameter_takes_any_word(app: Template, text: str) -> None:
    assert new.fields(app, [f"text={text}"]) == {"params": {"text": text}}


@pytest.mark.parametrize("text", ["a # b", "# b", "", "a\nowner: b", "1.10", "007", 'it\'s "quoted"', "{{ x }}"])
def test_what_is_set_is_what_the_file_says(small: Small, app: Template, text: str) -> None:
    data = {"template": "app", **new.fields(app, [f"env.A={text}", f"text={text}"])}
    small.deployment("web", new.text(data))
    spec = small.load().desired["web"].spec
    assert (spec["env"]["A"], spec["params"]["text"]) == (text, text)


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[2J", "\udce9"])
def test_what_no_file_can_say_is_refused(app: Template, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        new.text({"template": "app", **new.fields(app, [f"env.A={text}"])})
    assert (caught.value.code, text in str(caught.value)) == ("bad-set", False)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["model"], "--set model has no value", "write --set key=value"),
        (["template=ap"], "--set template: it is chosen already", "write runner new TEMPLATE NAME"),
        (["=large"], "--set =large has no value", "write --set key=value"),
        (["modle=large"], "--set modle: neither a parameter nor a field", "did you mean model?"),
        (["params=5"], "--set params names a whole group", "write --set params.NAME=value"),
        (["machine=L4"], "--set machine names a whole group", "write --set machine.NAME=value"),
        (["owner=me", "owner.name=me"], "--set owner.name: owner has a value already", "keep one of them"),
        (["machine.a=1", "machine.a.b=2"], "--set machine.a.b: machine has a value already", "keep one of them"),
        (["machine.a=1", "machine.a.b.c=2"], "--set machine.a.b.c: machine has a value already", "keep one of them"),
    ],
)
def test_word_that_cannot_be_set(app: Template, words: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        new.fields(app, words)
    assert (caught.value.code, str(caught.value), caught.value.hint) == ("bad-set", message, hint)


def test_only_what_nobody_answered_is_asked(app: Template, needy: Template) -> None:
    assert new.questions(app, {}) == {}
    assert list(new.questions(needy, {})) == ["image", "hub"]
    assert list(new.questions(needy, {"params": {"image": "x"}})) == ["hub"]
    assert new.questions(needy, {"params": {"image": "x"}, "secrets": {"hub": "env:HUB"}}) == {}


# --- Ports -----------------------------------------------------------------------------------------------------------


def wanted(small: Small, **more: Any) -> Desired:
    return check(small, {"template": "app", **more})


def test_gated_model_asks_for_the_secret_that_opens_it() -> None:
    vllm = Template.model_validate(yaml.safe_load((ROOT / "templates" / "vllm.yaml").read_text()))
    gated, free = ({"params": {"model": next(m.id for m in vllm.models if m.gated is kind)}} for kind in (True, False))
    assert [*new.questions(vllm, gated)] == ["hf_token"]
    assert [*new.questions(vllm, {**gated, "secrets": {"hf_token": "env:X"}})] == []
    assert [*new.questions(vllm, free)] == [*new.questions(vllm, {})] == []


def test_ports_of_the_template_are_not_written_while_they_are_free(small: Small) -> None:
    assert new.free_ports(wanted(small), small.load()) == {}


def test_free_ports_are_chosen_on_a_machine_that_is_shared(small: Small) -> None:
    small.deployment("first")
    small.deployment("second", "template: app\nports: {web: 8082, api: 8090}\n")
    here = wanted(small)
    assert new.free_ports(here, small.load()) == {"web": 8083, "api": 8084}
    assert new.free_ports(replace(here, place="elsewhere"), small.load()) == {}
    assert new.free_ports(replace(here, place=""), small.load()) == {}


def test_ports_that_were_asked_for_stay(small: Small) -> None:
    small.deployment("first")
    assert new.free_ports(wanted(small, ports={"web": 8082}), small.load(), ["web"]) == {"api": 8083}


def test_ports_of_absent_deployments_are_free(small: Small) -> None:
    small.deployment("first", "template: app\nstate: absent\n")
    assert new.free_ports(wanted(small), small.load()) == {}


# --- The file --------------------------------------------------------------------------------------------------------


def check(small: Small, data: dict[str, Any]) -> Desired:
    return new.check("web", data, read_templates(small.repo)[0], read_settings(small.repo)[0])


def test_check_says_where_it_would_run(small: Small) -> None:
    assert check(small, {"template": "app"}).place == "local"


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        ({"template": "soon"}, "template-not-active", "template"),
        ({"template": "app", "provider": "locall"}, "unknown-provider", "provider"),
        ({"template": "app", "params": {"context": 1}}, "invalid-value", "params.context"),
        ({"template": "app", "params": {"password": "canary"}}, "secret-in-params", "params.password"),
        ({"template": "app", "secrets": {"password": "canary"}}, "invalid-value", "secrets.password"),
        ({"template": "app", "machine": {"gpu": "L4"}}, "unknown-field", "machine.gpu"),
        ({"template": "app", "ports": {"web": 8081}}, "port-conflict", "ports.api"),
    ],
)
def test_check_reports_what_the_file_would_have_wrong(small: Small, data: Any, code: str, field: str) -> None:
    with pytest.raises(InvalidFiles) as caught:
        check(small, data)
    [problem] = caught.value.problems
    assert (problem.code, problem.field, problem.file) == (code, field, "deployments/web.yaml")
    assert "canary" not in problem.message + problem.hint


def test_file_is_what_a_person_would_write() -> None:
    data = {
        "ports": {"web": 8083},
        "params": {"model": "small"},
        "owner": "me",
        "template": "app",
        "provider": ["a", "b"],
    }
    assert new.text(data) == (
        "# yaml-language-server: $schema=../schemas/deployment.schema.json\n"
        "template: app\n"
        "provider: [a, b]\n"
        "params: {model: small}\n"
        "ports: {web: 8083}\n"
        "owner: me\n"
    )


def test_file_round_trips_through_load(small: Small) -> None:
    data = {
        "template": "app",
        "params": {"text": "{{ 7*7 }} # no: 'comment'", "extras": ["08", "1e3", "no", "~", ""]},
        "env": {"A": "010", "B": "true"},
    }
    small.deployment("web", new.text(data))
    loaded = small.load()
    assert loaded.problems == []
    spec = loaded.desired["web"].spec
    assert spec["params"].items() >= data["params"].items()  # type: ignore[attr-defined]
    assert spec["env"] == data["env"]


letters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff")
texts = st.text(letters) | st.sampled_from(
    ["08", "1e3", "0x1F", "no", "12:30", "2026-12-24", "=", "<<", "a\nb", "a\n", "..."]
)
scalars = (
    texts
    | st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text("abc_", min_size=1), scalars, max_size=3)


@given(st.dictionaries(st.sampled_from(["template", "owner", "params", "env", "provider"]), values, min_size=1))
def test_any_data_is_read_as_it_was_composed(data: dict[str, Any]) -> None:
    read = yamlfile.parse(new.text(data))
    assert read == data
    assert all(isinstance(value, type(data[key])) for key, value in read.items())
