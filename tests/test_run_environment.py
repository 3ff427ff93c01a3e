"""Which variables of the caller reach a run of Ansible: a list, in one place; none of them changes how the run goes."""

from __future__ import annotations

import json

import pytest
from ansible import constants

from runner import run_environment
from tests.odd_environment import SETTINGS

CALLER = {"HOME": "/home/me", "AWS_PROFILE": "gpu", "TOKEN": "t", "OTHER": "o", "HTTPS_PROXY": "http://proxy"}
TOLD = {"PATH": "/bin", "SLIPWAY_PLAN": "hosts.json"}
HOSTS = json.dumps({"web": {"vars": {"slipway_spec": {"secrets": {"a": "env:TOKEN", "b": "generate"}}}}})


def test_what_is_listed_arrives_and_nothing_else() -> None:
    got = run_environment.of_run(CALLER, run_environment.sources(HOSTS), TOLD)
    assert got.items() >= {**TOLD, "HOME": "/home/me", "AWS_PROFILE": "gpu", "TOKEN": "t"}.items()
    assert "OTHER" not in got


@pytest.mark.parametrize(("name", "value"), SETTINGS.items(), ids=list(SETTINGS))
def test_an_odd_setting_changes_nothing(name: str, value: str) -> None:
    assert run_environment.of_run({name: value}, (), TOLD) == run_environment.of_run({}, (), TOLD)


@pytest.mark.parametrize(
    "name", ["ANSIBLE_STRATEGY", "PYTHONPATH", "LD_PRELOAD", "JOB_ID", "RUNNER_OMIT_EVENTS", "PATH"]
)
def test_nothing_that_changes_programs_is_the_source_of_a_secret(name: str) -> None:
    assert run_environment.sources(json.dumps({"secrets": {"x": f"env:{name}", "y": "env:LD_TOKEN_"}})) == set()


def test_no_setting_of_ansible_is_among_what_is_kept() -> None:
    names = {
        entry["name"]
        for setting in constants.config.get_configuration_definitions().values()
        for entry in setting.get("env", ())
    }
    assert len(names) > 100
    assert run_environment.kept(dict.fromkeys(names, "x"), ()) == {}


def test_the_plan_is_the_one_of_the_run() -> None:
    assert run_environment.of_run({"SLIPWAY_PLAN": "/evil", "PATH": "/evil"}, (), TOLD).items() >= TOLD.items()


def test_host_keys_are_checked_whatever_ansible_runner_thinks() -> None:
    assert (
        run_environment.of_run({"ANSIBLE_HOST_KEY_CHECKING": "False"}, (), TOLD)["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    )
