"""The facts of an action follow from its file, its record and where it goes."""

from __future__ import annotations

from typing import Any

from runner import resolved
from runner.domain import Action, Kind
from runner.providers.outlook import Outlook
from tests import factories as make

AT = Outlook(place="host gpu-1", host="gpu-1", engine="docker", gpus="1 × L4", chosen=True)


def facts(kind: Kind, **sides: Any) -> dict[str, Any]:
    action = Action("web", "ssh", kind, "why")
    seen = sides.get("have", make.nothing())
    return resolved.of(action, sides.get("want"), sides.get("record"), seen, sides.get("at", AT))


def test_new_one_is_described_by_its_file_and_where_it_goes() -> None:
    found = facts(Kind.CREATE, want=make.desired(version="1.2.3"))
    assert (found["template"], found["version"], found["image"]) == ("jupyter", "1.2.3", "example/app:1")
    assert (found["place"], found["engine"], found["gpus"], found["chosen"]) == ("host gpu-1", "docker", "1 × L4", True)
    assert found["models"] == ["small"]
    assert found["ports"] == {"web": {"host": 8888, "address": "127.0.0.1:8888"}}
    assert found["secrets"] == {"password": "generate"}


def test_process_has_packages_and_no_image() -> None:
    service = {**make.spec()["service"], "process": {"packages": ["a==1"], "command": ["a"], "env": {}}}
    want = make.desired(spec=make.spec(service=service))
    found = facts(Kind.CREATE, want=want, at=Outlook(engine="process"))
    assert (found["image"], found["packages"]) == ("", ["a==1"])


def test_what_ends_is_described_by_its_record() -> None:
    kept = make.record(machine={"host": "gpu-2", "engine": "docker", "address": "192.0.2.1"})
    found = facts(Kind.DESTROY, record=kept)
    assert (found["template"], found["place"], found["engine"], found["chosen"]) == (
        "jupyter",
        "host gpu-2",
        "docker",
        False,
    )
    assert facts(Kind.STOP, record=make.record(), want=make.desired())["place"] == "this machine"


def test_what_nobody_describes_is_empty() -> None:
    assert facts(Kind.DESTROY) == {}
