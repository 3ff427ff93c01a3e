"""The controller's steps with providers that only remember what they were asked: who is asked first, what is noted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from runner import providers, records, steps
from runner.domain import Record
from runner.errors import CapacityError, GoneError, InvalidRequestError, ProviderError
from runner.providers.base import Context, Machine, Mark
from runner.repo import Repo
from runner.subject import Subject
from tests import factories as make


class Fake:
    """A provider that rents. `errors`: provider → what `create` raises."""

    name: ClassVar[str] = ""
    rents: ClassVar[bool] = True
    errors: ClassVar[dict[str, ProviderError]] = {}
    asked: ClassVar[list[str]] = []
    there: ClassVar[bool] = False

    def __init__(self, context: Context) -> None:
        self.context = context

    def create(self, mark: Mark, spec: dict[str, Any]) -> Machine:
        self.asked.append(f"{self.name} create")
        if self.name in self.errors:
            raise self.errors[self.name]
        return Machine(f"{self.name}-1", "", "docker")

    def ready(self, machine: Machine) -> Machine:
        return Machine(machine.id, "192.0.2.1", "docker")

    def find(self, mark: Mark) -> Machine | None:
        return Machine(f"{self.name}-1", "192.0.2.1", "docker") if self.there else None

    def stop(self, mark: Mark) -> None:
        self.asked.append(f"{self.name} stop")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    kinds = {name: type(name, (Fake,), {"name": name, "asked": made, "errors": {}}) for name in ("one", "two")}
    monkeypatch.setattr(providers, "names", lambda: tuple(kinds))
    monkeypatch.setattr(providers, "load", kinds.__getitem__)
    return made


def subject(root: Path, spec: dict[str, Any]) -> Subject:
    (root / "inventory").mkdir(exist_ok=True)
    return Subject(
        repo=Repo(root),
        repo_id="shop",
        name="web",
        purpose="update",
        provider="",
        spec=spec,
        digest="d1",
        settings={},
        protect=False,
        price=None,
        owner="",
        file="deployments/web.yaml",
    )


def wanted(**machine: Any) -> dict[str, Any]:
    return make.spec(provider=["one", "two"], secrets={}, machine=machine)


def written(root: Path, provider: str, **machine: Any) -> None:
    spec = wanted(size="old")
    records.write(Repo(root), Record("web", provider, "running", "d0", spec, machine=machine, repo="shop"))


def noted(root: Path) -> Record:
    record = records.read(Repo(root), "web")
    assert record is not None
    return record


def fail(provider: str, error: ProviderError) -> None:
    providers.load(provider).errors[provider] = error  # type: ignore[attr-defined]


FULL = CapacityError("none left", code="no-capacity", hint="wait")


def test_candidates_are_asked_in_their_order(tmp_path: Path, asked: list[str]) -> None:
    found = steps.machine_present(subject(tmp_path, wanted()), check=False)
    assert (found["provider"], found["address"], asked) == ("one", "192.0.2.1", ["one create"])


def test_candidate_that_has_the_machine_is_asked_first(tmp_path: Path, asked: list[str]) -> None:
    written(tmp_path, "two", id="two-1")
    assert steps.machine_present(subject(tmp_path, wanted()), check=False)["provider"] == "two"
    assert asked == ["two create"]


def test_next_candidate_is_asked_only_where_there_is_no_room(tmp_path: Path, asked: list[str]) -> None:
    fail("one", FULL)
    assert steps.machine_present(subject(tmp_path, wanted()), check=False)["provider"] == "two"
    assert noted(tmp_path).provider == "two"
    fail("one", InvalidRequestError("no such subnet", code="no-subnet"))
    asked.clear()
    records.remove(Repo(tmp_path), "web")
    with pytest.raises(InvalidRequestError):
        steps.machine_present(subject(tmp_path, wanted()), check=False)
    assert asked == ["one create"]


def test_every_candidate_in_vain_is_named(tmp_path: Path, asked: list[str]) -> None:
    fail("one", FULL)
    fail("two", CapacityError("sold out", code="no-capacity"))
    with pytest.raises(CapacityError, match="one: none left\ntwo: sold out"):
        steps.machine_present(subject(tmp_path, wanted()), check=False)
    assert asked == ["one create", "two create"]


def test_only_candidate_speaks_for_itself(tmp_path: Path, asked: list[str]) -> None:
    fail("one", FULL)
    with pytest.raises(CapacityError) as caught:
        steps.machine_present(subject(tmp_path, wanted() | {"provider": ["one"]}), check=False)
    assert caught.value is FULL


def test_check_rents_nothing(tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GoneError):
        steps.machine_present(subject(tmp_path, wanted()), check=True)
    assert records.read(Repo(tmp_path), "web") is None
    written(tmp_path, "one")
    monkeypatch.setattr(Fake, "there", True)
    before = noted(tmp_path)
    assert steps.machine_present(subject(tmp_path, wanted()), check=True)["id"] == "one-1"
    assert (asked, noted(tmp_path)) == ([], before)


@pytest.mark.parametrize("purpose", ["running", "update", "start"])
def test_what_is_on_no_record_is_not_taken_over(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch, purpose: str
) -> None:
    """Plain Ansible has no plan that would have said so."""
    monkeypatch.setattr(Fake, "there", True)
    with pytest.raises(ProviderError) as caught:
        steps.machine_present(replace(subject(tmp_path, wanted()), purpose=purpose), check=False)
    assert (caught.value.code, asked, records.read(Repo(tmp_path), "web")) == ("not-recorded", [], None)
    steps.machine_present(replace(subject(tmp_path, wanted()), purpose="adopt"), check=False)
    assert noted(tmp_path).repo == "shop"


@pytest.mark.parametrize(("repo_id", "code"), [("-", "no-id"), ("other", "other-repository")])
def test_nothing_is_touched_without_the_right_id(tmp_path: Path, asked: list[str], repo_id: str, code: str) -> None:
    written(tmp_path, "one")
    it = replace(subject(tmp_path, wanted()), repo_id=repo_id)
    calls = (steps.machine_present, steps.machine_absent, steps.machine_stopped)
    for call in calls:
        with pytest.raises(ProviderError) as caught:
            call(it, check=False)
        assert caught.value.code == code
    assert asked == []


def test_place_is_noted_before_anything_is_asked_for(tmp_path: Path, asked: list[str]) -> None:
    """A run that dies in `create` leaves only this behind, and the file may name another place by the next one."""

    def whereabouts(_: Fake, spec: dict[str, Any], noted: dict[str, Any]) -> dict[str, Any]:
        return {"where": [*noted.get("where", []), spec["machine"]["place"]]}

    providers.load("two").whereabouts = whereabouts  # type: ignore[attr-defined]
    fail("two", InvalidRequestError("it died here", code="died"))
    for place, expected in (("north", ["north"]), ("south", ["north", "south"])):
        with pytest.raises(InvalidRequestError):
            steps.machine_present(subject(tmp_path, wanted(place=place) | {"provider": ["two"]}), check=False)
        assert (noted(tmp_path).provider, noted(tmp_path).machine) == ("two", {"where": expected})
    written(tmp_path, "two", id="two-1", where="west")
    with pytest.raises(InvalidRequestError):
        steps.machine_present(subject(tmp_path, wanted(place="east")), check=False)
    assert noted(tmp_path).machine == {"id": "two-1", "where": "west"}


@pytest.mark.parametrize(("before", "size"), [("one-1", "old"), ("one-0", "new"), (None, "old")])
def test_machine_that_was_made_anew_has_the_new_spec_on_record(
    tmp_path: Path, asked: list[str], before: str | None, size: str
) -> None:
    written(tmp_path, "one", **({"id": before} if before else {}))
    steps.machine_present(subject(tmp_path, wanted(size="new")), check=False)
    record = noted(tmp_path)
    assert (record.digest, record.machine["id"], record.spec["machine"]["size"]) == ("", "one-1", size)


def test_stop_asks_everyone_who_may_have_it(tmp_path: Path, asked: list[str]) -> None:
    steps.machine_stopped(subject(tmp_path, wanted()), check=True)
    assert asked == []
    steps.machine_stopped(subject(tmp_path, wanted()), check=False)
    assert asked == ["one stop", "two stop"]


def test_who_looks_ahead_is_not_asked_again_when_it_is_his_turn(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(Fake):
        name = "one"
        rents = False

        def look_ahead(self, spec: dict[str, Any]) -> None:
            self.context.answers["host"] = "it answers"
            asked.append("look")

        def create(self, mark: Mark, spec: dict[str, Any]) -> Machine:
            asked.append(f"create, {self.context.answers['host']}")
            return Machine("one-1", "", "docker")

    monkeypatch.setattr(providers, "load", {"one": Ahead}.__getitem__)
    monkeypatch.setattr(providers, "names", lambda: ("one",))
    monkeypatch.setattr("runner.locks.shared_folder", lambda repo, repo_id: tmp_path / "locks")
    steps.machine_present(subject(tmp_path, {**make.spec(), "provider": ["one"], "secrets": {}}), check=False)
    assert asked == ["look", "create, it answers"]
