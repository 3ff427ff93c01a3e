"""What would certainly fail is blocked in the plan, with its cause and the line to write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runner import preflight
from runner.domain import Action, Desired, Kind
from runner.errors import CapacityError, CredentialsError, ProviderError
from runner.providers.outlook import Outlook
from tests import factories as make

SIGHT: dict[str, Any] = {"memory_gb": 64, "disk_free_gb": 500, "gpu": {}, "images": {}, "taken": [], "engine": {}}
NO_GPU = {"present": False, "works": False, "trouble": "absent", "reason": "there is no NVIDIA GPU", "cards": []}
BROKEN = {"present": True, "works": False, "trouble": "missing", "reason": "no driver is installed", "cards": []}
SMALL = {"present": True, "works": True, "trouble": "", "cards": [{"name": "T4", "memory_gb": 15}]}
PYTHON = {"port": 8888, "program": "python3", "pid": 4242, "container": "", "free": 8889}
NEEDS = {"vram_gb": 0, "ram_gb": 0, "disk_gb": 0}


def wanted(name: str = "web", **overrides: Any) -> Desired:
    service = {**make.spec()["service"], "gpus": "none", **overrides.pop("service", {})}
    needs = {**NEEDS, **overrides.pop("needs", {})}
    several = {"providers": overrides.pop("providers")} if "providers" in overrides else {}
    return make.desired(name, spec=make.spec(service=service, needs=needs, **overrides), **several)


def outlook(**overrides: Any) -> Outlook:
    sight = {**SIGHT, **{key: overrides.pop(key) for key in [*overrides] if key in SIGHT and key != "engine"}}
    return Outlook(**{"place": "this machine", "engine": "docker", "sight": sight, **overrides})


def unreadable(source: str) -> ProviderError | None:
    if source == "env:HERE":
        return None
    return CredentialsError("no", code="missing-secret-value", hint=f"export {source[4:]}=…")


def checked(want: Desired, at: Outlook, kind: Kind = Kind.CREATE, *, secrets_here: bool = True) -> preflight.Checked:
    action = Action(want.name, "local", kind, "new", hourly_before=0.0, hourly_after=0.5)
    return preflight.check((action,), {want.name: want}, {want.name: at}, unreadable, secrets_here=secrets_here)


@pytest.mark.parametrize(
    ("want", "at", "code", "reason", "hint"),
    [
        pytest.param(
            wanted(secrets={"HF_TOKEN": "env:NOT_HERE"}),
            outlook(),
            "missing-secret-value",
            "the secret HF_TOKEN (env:NOT_HERE) has no value here",
            "export NOT_HERE=…",
            id="secret",
        ),
        pytest.param(
            wanted(),
            outlook(taken=[PYTHON]),
            "port-taken",
            "port 8888 (web) of this machine is used by python3 (pid 4242)",
            "stop that, or choose another port: ports: {web: 8889}",
            id="port of a program",
        ),
        pytest.param(
            wanted(),
            outlook(taken=[{**PYTHON, "container": "grafana"}]),
            "port-taken",
            "port 8888 (web) of this machine is used by the container grafana",
            "ports: {web: 8889}",
            id="port of a container",
        ),
        pytest.param(
            wanted(),
            outlook(taken=[{**PYTHON, "pid": 0}]),
            "port-taken",
            "is used by a program of another user",
            "ports: {web: 8889}",
            id="port of somebody else",
        ),
        pytest.param(
            wanted(access={"expose": "public", "auth": "token", "ports": {"web": 443}}),
            outlook(taken=[{**PYTHON, "port": 443, "program": "nginx", "free": 444}]),
            "port-taken",
            "port 443 (web) of this machine is used by nginx (pid 4242)",
            "access: {ports: {web: 444}}",
            id="port where it is exposed",
        ),
        pytest.param(
            wanted(service={"gpus": "all"}),
            outlook(gpu=NO_GPU),
            "no-gpu",
            "it needs a GPU, and this machine has none",
            "take another host",
            id="no GPU",
        ),
        pytest.param(
            wanted(service={"gpus": "all"}),
            outlook(gpu=BROKEN),
            "no-gpu",
            "cannot be used: no driver is installed",
            "take another host",
            id="GPU without a driver, where nobody installs one",
        ),
        pytest.param(
            wanted(),
            outlook(images={"example/app:1": "login"}),
            "registry-denied",
            "the registry does not give out the image example/app:1",
            "registries: {docker.io: {username: NAME, password: env:REGISTRY_PASSWORD}}",
            id="image that needs a login",
        ),
        pytest.param(
            wanted(),
            outlook(images={"example/app:1": "missing"}),
            "image-not-found",
            "the registry has no image example/app:1",
            "check its name and tag",
            id="image that is not there",
        ),
        pytest.param(
            wanted(),
            Outlook(obstacle=CapacityError("no host of the pool fits", code="no-host", hint="add one")),
            "no-host",
            "no host of the pool fits",
            "add one",
            id="no place",
        ),
    ],
)
@pytest.mark.parametrize("kind", [Kind.CREATE, Kind.UPDATE, Kind.REPLACE, Kind.START, Kind.RESTART])
def test_what_would_certainly_fail_is_blocked(  # noqa: PLR0913, PLR0917 - the columns of the table
    want: Desired, at: Outlook, code: str, reason: str, hint: str, kind: Kind
) -> None:
    if "secrets" not in want.spec or want.spec["secrets"] == {"password": "generate"}:
        want = replace(want, spec={**want.spec, "secrets": {}})
    [action] = checked(want, at, kind).actions
    assert (action.kind, action.code) == (Kind.BLOCKED, code)
    assert reason in action.reason
    assert f"(would {kind})" in action.reason
    assert hint in action.hint
    assert action.hourly_after == action.hourly_before


@pytest.mark.parametrize("kind", [Kind.STOP, Kind.DESTROY, Kind.NONE, Kind.HELD])
def test_what_starts_nothing_needs_nothing(kind: Kind) -> None:
    want = wanted(secrets={"HF_TOKEN": "env:NOT_HERE"}, service={"gpus": "all"})
    found = checked(want, outlook(taken=[PYTHON], gpu=NO_GPU, disk_free_gb=1), kind)
    assert ([a.kind for a in found.actions], found.warnings) == ([kind], [])


@pytest.mark.parametrize(
    "at",
    [
        outlook(),
        outlook(images={"example/app:1": "unknown"}),
        outlook(images={"example/app:1": "here"}),
        outlook(taken=[{**PYTHON, "port": 9999}]),
        outlook(gpu=NO_GPU),
        outlook(engine="process", images={"example/app:1": "login"}),
        Outlook(),
    ],
)
def test_what_is_not_known_or_not_needed_blocks_nothing(at: Outlook) -> None:
    want = wanted(secrets={"A": "env:HERE", "B": "generate"}, service={"gpus": "auto"})
    found = checked(want, at)
    assert ([a.kind for a in found.actions], found.warnings) == ([Kind.CREATE], [])


def test_host_that_roles_prepare_gets_its_driver_from_them() -> None:
    at = outlook(place="host gpu-1", gpu=BROKEN, prepared=True)
    assert [a.kind for a in checked(wanted(service={"gpus": "all"}, secrets={}), at).actions] == [Kind.CREATE]


def test_full_candidate_blocks_only_when_there_is_no_other() -> None:
    at = Outlook(obstacle=CapacityError("full", code="host-full"))
    want = wanted(secrets={}, providers=("ssh", "aws"))
    assert [a.kind for a in checked(want, at).actions] == [Kind.CREATE]


def test_port_that_is_proposed_is_nobody_elses() -> None:
    mine, other = wanted(secrets={}), wanted("other", secrets={})
    ports = {"web": {**other.spec["service"]["ports"]["web"], "host": 8889}}
    other = replace(other, spec={**other.spec, "service": {**other.spec["service"], "ports": ports}})
    action = Action("web", "local", Kind.CREATE, "new")
    known = {"web": mine, "other": other}
    found = preflight.check((action,), known, {"web": outlook(taken=[PYTHON])}, unreadable)
    assert "ports: {web: 8890}" in found.actions[0].hint


@pytest.mark.parametrize(
    ("needs", "at", "told"),
    [
        ({"ram_gb": 128}, {}, "has 69 GB of memory, and 128 are asked for"),
        ({"ram_gb": 70}, {}, ""),
        ({"disk_gb": 600}, {}, "has 537 GB of disk free, and 600 are asked for"),
        ({"vram_gb": 24}, {"gpu": SMALL}, "has 16 GB of GPU memory, and 24 are needed"),
        ({"vram_gb": 16}, {"gpu": SMALL}, ""),
        ({"disk_gb": 600}, {"disk_free_gb": 0}, ""),
        ({}, {"warning": "fits on a only once b is gone"}, "fits on a only once b is gone"),
    ],
)
def test_what_is_tight_is_a_warning(needs: dict[str, float], at: dict[str, Any], told: str) -> None:
    found = checked(wanted(needs=needs, secrets={}), outlook(**at))
    assert [a.kind for a in found.actions] == [Kind.CREATE]
    assert [told in warning and warning.startswith("web: ") for warning in found.warnings] == ([True] if told else [])


def test_one_shortage_of_many_deployments_is_told_once() -> None:
    many = {f"d{number}": wanted(f"d{number}", secrets={}, needs={"disk_gb": 600}) for number in range(1000)}
    actions = tuple(Action(name, "local", Kind.CREATE, "new") for name in many)
    [warning] = preflight.check(actions, many, dict.fromkeys(many, outlook()), unreadable).warnings
    assert warning.startswith("d0, d1, d2, d3, d4 and 995 more: ")


def test_secret_that_another_machine_will_have_only_warns() -> None:
    want = wanted(secrets={"HF_TOKEN": "env:NOT_HERE"})
    found = checked(want, outlook(), secrets_here=False)
    assert [a.kind for a in found.actions] == [Kind.CREATE]
    told = "the secret HF_TOKEN (env:NOT_HERE) has no value here, and must have one where this is applied"
    assert found.warnings == [f"web: {told}"]
