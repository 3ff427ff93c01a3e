"""Patience with whoever else installs packages, and what is asked of apt. A fake apt answers; locks are real."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.ansible_plugins.module_utils import host_packages
from runner.ansible_plugins.module_utils.host_packages import Apt, Busy, Dnf, PackageError, Ran, holder, wait

HOLD = (
    "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True); input()"
)


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Somebody else holds the lock as apt does; his process id."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


class Clock:
    """Time passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class FakeApt:
    """Answers by the first word that fits, in turn; remembers what was asked."""

    def __init__(self, **answers: list[Ran]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str]) -> Ran:
        self.asked.append(" ".join(command))
        for word, answers in self.answers.items():
            if word in command or word.replace("_", "-") in command:
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return Ran(0, "")

    def verbs(self) -> list[str]:
        return [line.split()[1] for line in self.asked]


@pytest.fixture(autouse=True)
def _no_locks_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Apt, "locks", ())


def test_holder_names_who_has_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert holder([str(lock)]) == ""
    with held(lock) as pid:
        assert holder([str(tmp_path / "other"), str(lock)]).endswith(f"({pid})")
    assert holder([str(lock)]) == ""


def test_wait_gives_up_and_says_who(tmp_path: Path) -> None:
    with held(tmp_path / "lock") as pid, pytest.raises(Busy, match=rf"in use by \S+ \({pid}\) after 30 s"):
        wait([str(tmp_path / "lock")], 30, Clock())


def test_wait_says_nothing_when_nobody_is_in_the_way(tmp_path: Path) -> None:
    assert wait([str(tmp_path / "lock")], 30, Clock()) == ""


def test_wait_tells_for_whom_it_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    who = iter(["apt-get (7)", "apt-get (7)", ""])
    monkeypatch.setattr(host_packages, "holder", lambda _: next(who))
    assert wait(["x"], 30, Clock()) == "waited 1 s for apt-get (7)"


def test_missing_are_those_not_installed_or_in_another_version() -> None:
    listed = (
        "curl installed 7.88\nvim config-files 9\nntp installed 1:4.2\ndpkg-query: no packages found matching nginx\n"
    )
    apt = Apt(FakeApt(dpkg_query=[Ran(1, listed)]))
    assert apt.missing(["curl", "vim", "nginx", "ntp=1:4.2", "curl=8"]) == ["vim", "nginx", "curl=8"]
    assert apt.missing([]) == []


def lists(monkeypatch: pytest.MonkeyPatch, *, there: bool) -> None:
    monkeypatch.setattr(host_packages, "APT_LISTS", __file__ if there else "/nonexistent/*")


@pytest.mark.parametrize(
    ("there", "refresh", "answers", "verbs"),
    [
        (True, False, [Ran(0, "")], ["install"]),
        (True, True, [Ran(0, "")], ["update", "install"]),
        (False, False, [Ran(0, "")], ["update", "install"]),
        (True, False, [Ran(100, "E: Unable to locate package x"), Ran(0, "")], ["install", "update", "install"]),
        (True, False, [Ran(100, "E: … 404  Not Found [IP: …]"), Ran(0, "")], ["install", "update", "install"]),
        (
            True,
            False,
            [Ran(100, "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'"), Ran(0, "")],
            ["install", "--configure", "install"],
        ),
    ],
)
def test_lists_are_refreshed_when_it_helps(
    monkeypatch: pytest.MonkeyPatch, there: bool, refresh: bool, answers: list[Ran], verbs: list[str]
) -> None:
    lists(monkeypatch, there=there)
    fake = FakeApt(install=answers)
    Apt(fake).install(["x"], refresh=refresh, lock_timeout_s=60)
    assert fake.verbs() == verbs
    assert all("--no-remove" in line for line in fake.asked if " install " in line)


@pytest.mark.parametrize(("limit_s", "updates"), [(60, 3), (0, 1)])
def test_refresh_waits_for_who_was_faster(monkeypatch: pytest.MonkeyPatch, limit_s: int, updates: int) -> None:
    lists(monkeypatch, there=True)
    monkeypatch.setattr(host_packages, "POLL_S", 0)
    busy = Ran(100, "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 596 (apt-get)")
    fake = FakeApt(update=[busy, busy, Ran(0, "")])
    Apt(fake).install(["x"], refresh=True, lock_timeout_s=limit_s)
    assert fake.verbs() == ["update"] * updates + ["install"]


def test_failure_tells_what_does_not_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    lists(monkeypatch, there=True)
    said = """Reading…
The following packages have unmet dependencies:
 docker-ce : Conflicts: docker.io
E: held broken packages."""
    fake = FakeApt(install=[Ran(100, said)])
    with pytest.raises(PackageError, match=r"could not install docker-ce: docker-ce : Conflicts: docker.io"):
        Apt(fake).install(["docker-ce"], refresh=False, lock_timeout_s=60)


def test_failure_tells_which_repository_complained(monkeypatch: pytest.MonkeyPatch) -> None:
    lists(monkeypatch, there=True)
    fake = FakeApt(
        install=[Ran(100, "E: Unable to locate package x")], update=[Ran(0, "W: Failed to fetch http://repo")]
    )
    with pytest.raises(PackageError, match=r"Unable to locate package x W: Failed to fetch http://repo"):
        Apt(fake).install(["x"], refresh=False, lock_timeout_s=60)


def test_dnf_asks_rpm_what_is_missing() -> None:
    fake = FakeApt(curl=[Ran(0, "curl-8")], nginx=[Ran(1, "no package provides nginx")])
    assert Dnf(fake).missing(["curl", "nginx"]) == ["nginx"]
