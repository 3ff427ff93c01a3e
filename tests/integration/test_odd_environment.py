"""What people have set for other projects: a run goes as it always does, and never waits for somebody to type."""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.world import World, ask
from tests.odd_environment import ONLY_FOR_OUR_CHILDREN, SETTINGS

ODD = {name: value for name, value in SETTINGS.items() if name not in ONLY_FOR_OUR_CHILDREN}


def test_run_goes_as_it_always_does(fresh: World, port: Callable[[], int]) -> None:
    numbers = {name: port() for name in ("plain", "odd")}
    for name, number in numbers.items():
        fresh.beacon(name, number)
    results = {
        name: fresh.json("reconcile", name, "--yes", env=env)["results"] for name, env in (("plain", {}), ("odd", ODD))
    }
    assert [[row["result"] for row in results[name]] for name in numbers] == [["changed"], ["changed"]]
    steps = [[event["step"] for event in _events(fresh, name)] for name in numbers]
    assert steps[0] == steps[1] != []
    assert fresh.json("drift", "--deep", env=ODD)["deployments"] == []
    assert ask(numbers["odd"])["env"].keys() & ODD.keys() <= ask(numbers["plain"])["env"].keys()
    assert fresh.leftovers() == []


def test_nobody_is_asked_whatever_the_settings_of_ansible_say(fresh: World, port: Callable[[], int]) -> None:
    shared = fresh.root / "ansible.cfg"
    text = shared.read_text().replace("[defaults]\n", "[defaults]\nask_pass = True\nask_vault_pass = True\n")
    shared.unlink()
    shared.write_text(text.replace("[inventory]", "[privilege_escalation]\nbecome_ask_pass = True\n[inventory]"))
    fresh.beacon("one", port())
    fresh.ok("reconcile", "--yes")


def _events(world: World, name: str) -> list[dict[str, str]]:
    found = world.json("events", name)["events"]
    return [event for event in found if event["kind"] == "step" and event["status"] == "ok"]
