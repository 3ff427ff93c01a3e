"""Hosts that do not let us in, next to some that do: one plan names every cause with a next step, one reconcile passes
over them, and each repair lets the next one go on.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import world as look
from tests.e2e.world import World
from tests.lab import hosts
from tests.lab.machine import Host

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

CANARY = "canary-sudo-3f9a1c"
FINE = ("plain", "asked")
"""Logs in as it should; needs a password for sudo, and is given it."""
REFUSED = {
    # (stable code, part of the message, part of the next step)
    "paused": ("unreachable", "paused (", "is it up"),
    "cut": ("unreachable", "cut (", "does a firewall stand in between"),
    "wrong-key": ("ssh-key-refused", "does not accept the key", "authorized_keys"),
    "unpinned": ("host-key-unknown", "is not pinned yet", "runner trust unpinned"),
    "given-anew": ("host-key-changed", "shows another host key", "host_key of given-anew"),
    "no-sudo": ("sudo-refused", "may not use sudo", "become_password"),
    "no-password": ("sudo-refused", "without a password", "become_password: env:NAME"),
    "wrong-password": ("sudo-refused", "incorrect password", "check become_password"),
    "unset-password": ("missing-secret-value", "the password for sudo on unset-password", "export LAB_UNSET="),
}
REPAIRED = {"paused", "cut", "unpinned", "given-anew", "wrong-password"}
"""Each by another repair; the rest is taken back."""


@pytest.fixture(scope="module")
def pool(empty: World, rented: list[Host]) -> World:
    """One host under many names, each with another way to fail; two more that cannot be reached."""
    one, two, three = rented
    hosts.console(one.name, "chpasswd", stdin=f"needs-password:{CANARY}\n")
    empty.env.update(LAB_SUDO=CANARY, LAB_WRONG="not-the-canary")
    stranger = str(_key(empty.home / "stranger"))
    empty.add(one, "plain")
    empty.add(one, "asked", user="needs-password", become_password="env:LAB_SUDO")
    empty.add(two, "paused")
    empty.add(three, "cut")
    empty.add(one, "wrong-key", key=stranger)
    empty.add(one, "unpinned", host_key=None)
    empty.add(one, "given-anew", host_key=Path(f"{stranger}.pub").read_text().strip())
    empty.add(one, "no-sudo", user="no-sudo")
    empty.add(one, "no-password", user="needs-password")
    empty.add(one, "wrong-password", user="needs-password", become_password="env:LAB_WRONG")
    empty.add(one, "unset-password", user="needs-password", become_password="env:LAB_UNSET")
    for port, name in enumerate([*FINE, *REFUSED], start=8101):
        empty.spark(f"on-{name}", port, f"host: {name}")
    return empty


def _key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path


@pytest.fixture(scope="module")
def away(pool: World, rented: list[Host]) -> None:
    """Two hosts are out of reach until they are repaired."""
    _, two, three = rented
    hosts.pause(two.name)
    hosts.cut(three.name)


@pytest.fixture(scope="module")
def seen(pool: World) -> list[str]:
    """Command lines in which the password for sudo was seen; filled while the reconcile runs."""
    return []


@pytest.fixture(scope="module")
def refused(pool: World, away: None, seen: list[str], rented: list[Host]) -> dict[str, Any]:
    """The reconcile that must pass over what is refused; its whole answer."""
    with look.watched(CANARY, rented[0].name) as found:
        answer: dict[str, Any] = pool.json("reconcile", "--yes", code=4)
    seen += found
    return answer


def test_every_cause_is_named_with_a_next_step(refused: dict[str, Any]) -> None:
    rows = {row["deployment"]: row for row in refused["plan"]["actions"]}
    assert {name: (rows[f"on-{name}"]["action"], rows[f"on-{name}"]["code"]) for name in REFUSED} == {
        name: ("blocked", code) for name, (code, _, _) in REFUSED.items()
    }
    for name, (_, message, hint) in REFUSED.items():
        assert message in rows[f"on-{name}"]["reason"]
        assert hint in rows[f"on-{name}"]["hint"]


def test_others_go_on(pool: World, refused: dict[str, Any]) -> None:
    done = {row["deployment"]: (row["action"], row["result"]) for row in refused["results"]}
    assert done == {f"on-{name}": ("create", "changed") for name in FINE}


def test_nothing_else_was_touched(pool: World, refused: object, rented: list[Host]) -> None:
    assert set(look.containers(rented[0].name, pool.id)) == {pool.container(f"on-{name}") for name in FINE}
    records = {path.parent.name for path in (pool.root / "inventory" / "host_vars").glob("*/access.yaml")}
    assert records == {f"on-{name}" for name in FINE}


def test_password_for_sudo_shows_up_nowhere(pool: World, refused: object, seen: list[str], rented: list[Host]) -> None:
    assert seen == []
    assert [path for path, data in pool.written() if CANARY.encode() in data] == []
    assert not list(pool.home.glob(f"**/*{CANARY}*"))
    there = (
        f"grep -rlF {CANARY} /home /root /tmp /var/tmp /var/log /etc 2>/dev/null; journalctl -q --grep {CANARY}; true"
    )
    assert hosts.console(rented[0].name, "sh", "-c", there) == ""


# --- repairs: in this order, each on top of the one before ------------------------------------------------------------


@pytest.fixture(scope="module")
def repaired(pool: World, refused: object, rented: list[Host]) -> dict[str, dict[str, Any]]:
    """What the reconcile after all repairs did."""
    one, two, three = rented
    hosts.unpause(two.name)
    hosts.uncut(three.name)
    text = " ".join(pool.ok("plan", "on-unpinned", "on-no-sudo", code=4).split())
    assert "the host key of unpinned is not pinned yet → runner trust unpinned" in text
    assert "may not use sudo without a password → give become_password" in text
    pool.add(one, "given-anew")
    pool.add(one, "wrong-password", user="needs-password", become_password="env:LAB_SUDO")
    for name in REFUSED.keys() - REPAIRED:  # nothing of them is anywhere
        pool.forget(f"on-{name}")
    assert pool.json("trust", "unpinned", "--fingerprint", "SHA256:another", code=4)["error"]["code"] == (
        "fingerprint-differs"
    )
    for _ in ("pinned", "pinned already"):
        assert pool.json("trust", "unpinned", "--fingerprint", _fingerprint(one))["fingerprints"] == [_fingerprint(one)]
    return pool.reconcile()


def _fingerprint(host: Host) -> str:
    said = subprocess.run(["ssh-keygen", "-lf", "-"], input=host.host_key, capture_output=True, text=True, check=True)
    return said.stdout.split()[1]


def test_after_repair_the_rest_follows(pool: World, repaired: dict[str, dict[str, Any]]) -> None:
    assert {name: (row["action"], row["result"]) for name, row in repaired.items()} == {
        f"on-{name}": ("create", "changed") for name in REPAIRED
    }
    assert set(pool.actions(code=0).values()) == {"none"}


def test_changed_host_key_is_refused_until_it_is_trusted_anew(
    pool: World, repaired: object, rented: list[Host]
) -> None:
    two = rented[1]
    pool.add(two, "paused", host_key=None)
    pool.ok("trust", "paused", "--fingerprint", _fingerprint(two))
    before = look.containers(two.name)
    renewed = replace(two, host_key=hosts.change_host_key(two.name))
    look.hang_up(pool)
    plan = pool.plan(code=4)
    assert plan.pop("on-paused")["code"] == "host-key-changed"
    assert {row["action"] for row in plan.values()} == {"none"}
    pool.forget("on-paused")  # even what is to go is not touched on a host that may be another one
    assert pool.json("reconcile", "--yes", "--allow-destroy", code=4)["results"] == []
    assert look.containers(two.name) == before
    assert (
        "shows another key than the one that is pinned"
        in pool.json("trust", "paused", "--fingerprint", _fingerprint(renewed), code=4)["error"]["message"]
    )
    pool.ok("trust", "paused", "--replace", "--fingerprint", _fingerprint(renewed))
    pool.spark("on-paused", 8103, "host: paused")
    assert set(pool.actions(code=0).values()) == {"none"}
