"""Known secrets, looked for in everything that a command says and leaves behind."""

from __future__ import annotations

import base64
import json
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from runner.redact import MASK
from tests.integration.world import World, ask

PLAIN = "canary-plain-7c1f"
TWISTED = """canary-twisted "2" 'x' {{ 7 * 7 }} %(here)s $HOME \\ü"""
LINES = "-----BEGIN KEY-----\ncanary-line-one-41d7\ncanary-line-two-93be\n-----END KEY-----\n"
GIVEN = {"CANARY_PLAIN": PLAIN, "CANARY_TWISTED": TWISTED, "CANARY_LINES": LINES}
SECRETS = "".join(f"  {name}: env:{name}\n" for name in GIVEN)
TEXT = f"secrets:\n{SECRETS}  BEACON_SAYS: env:CANARY_PLAIN\n"
"""What the service prints to its log is one of the secrets."""
ALLOWED = ("launch.json", "service.log")
"""Below the services' folder: what the service is started with, and its own words."""


@pytest.fixture(scope="module")
def number(shared: World, port: Callable[[], int]) -> int:
    """A beacon with secrets of all kinds, not yet applied."""
    web = port()
    shared.beacon("web", web, TEXT)
    text = (shared.root / "templates" / "beacon.yaml").read_text()
    shared.template("hasty", text.replace("timeout_s: 20", "timeout_s: 1"))
    return web


class Watch:
    """Collects what is said and what can be seen of processes meanwhile."""

    def __init__(self, made: World) -> None:
        self.made = made
        self.said: list[bytes] = []
        self.lines: set[bytes] = set()

    def run(self, *arguments: str, code: int = 0) -> CompletedProcess[str]:
        with self.sampling():
            done = self.made.run(*arguments, env=GIVEN)
        assert done.returncode == code, done.stdout + done.stderr
        self.hear(done)
        return done

    def hear(self, done: CompletedProcess[str]) -> None:
        self.said.append((done.stdout + done.stderr).encode())

    @contextmanager
    def sampling(self) -> Iterator[None]:
        """The arguments of all processes, again and again."""
        ended = threading.Event()

        def sample() -> None:
            while not ended.is_set():
                for path in Path("/proc").glob("[0-9]*/cmdline"):
                    try:
                        self.lines.add(path.read_bytes())
                    except OSError:
                        continue
                time.sleep(0.02)

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """(where, bytes) of all that must be clean."""
        yield from (("output", text) for text in self.said)
        yield from (("arguments", line) for line in self.lines)
        for top in (self.made.root, self.made.home):
            for path in top.rglob("*"):
                if path.is_file() and path.name not in ALLOWED and not any(p.is_symlink() for p in path.parents):
                    yield str(path), path.read_bytes()
        daemon = int((self.made.home / "supervisord.pid").read_text())
        yield "environment of the daemon", Path(f"/proc/{daemon}/environ").read_bytes()

    def leaks(self, *values: str) -> set[str]:
        needles = {part.encode() for value in (*GIVEN.values(), *values) for part in forms(value)}
        return {f"{where}: {needle!r}" for where, text in self.everything() for needle in needles if needle in text}


def forms(value: str) -> Iterator[str]:
    """A value as it is, as JSON has it, its lines, and as an Authorization header has it."""
    yield from (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (line for line in value.splitlines() if "canary" in line)
    yield base64.b64encode(value.encode()).decode()


@pytest.fixture(scope="module")
def watch(shared: World, number: int) -> Watch:
    """After a create and an update, with everything that looks at them."""
    watch = Watch(shared)
    watch.run("plan", "--json", code=2)
    watch.run("reconcile", "--yes", "-v")
    shared.beacon("web", number, TEXT + "params: {word: bye}\n")
    for arguments in (["plan", "-v"], ["plan", "--json"]):
        watch.run(*arguments, code=2)
    watch.run("reconcile", "--yes", "--json")
    for command in (["status"], ["status", "web"], ["access", "web"], ["events"], ["history", "web"], ["logs", "web"]):
        watch.run(*command)
        watch.run("--json", *command)
    return watch


def shown(made: World) -> dict[str, str | None]:
    return {s["name"]: s["value"] for s in made.json("access", "web", "--show-secrets", env=GIVEN)["secrets"]}


def test_service_gets_its_secrets_and_whoever_asks_sees_the_generated_one(watch: Watch, number: int) -> None:
    env = ask(number)["env"]
    assert {name: env[name] for name in GIVEN} == {name: value.strip("\n") for name, value in GIVEN.items()}
    assert env["BEACON_SAYS"] == PLAIN
    assert shown(watch.made)["token"] == env["TOKEN"]
    assert env["TOKEN"] in watch.made.ok("access", "web", "--show-secrets", env=GIVEN)


def test_nothing_leaks_from_a_create_and_an_update(watch: Watch, number: int) -> None:
    token = ask(number)["env"]["TOKEN"]
    assert watch.leaks(token) == set()
    assert any(b"-m\0beacon" in line for line in watch.lines)
    assert f"beacon starts: {MASK}" in watch.run("logs", "web").stdout


def test_files_with_secrets_are_for_their_owner_only(watch: Watch) -> None:
    made = watch.made
    folder = made.home / "services" / "web"
    private = [folder / "launch.json", made.root / "inventory" / "host_vars" / "web" / "secrets.yaml"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert (made.root / "inventory" / "host_vars" / "web" / "secrets.yaml").read_text().startswith("$ANSIBLE_VAULT")
    folders = [made.home, folder / "data"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


@pytest.fixture(scope="module")
def dumped(watch: Watch) -> Watch:
    """After an update that dumps its environment and fails; the previous version runs again."""
    file = watch.made.root / "deployments" / "web.yaml"
    text = file.read_text().replace("template: beacon", "template: hasty")
    file.write_text(text + "env: {BEACON_DUMPS: all, BEACON_STATUS: 500}\n")
    done = watch.run("reconcile", "--yes", "--json", "-v", code=1)
    assert "CANARY_PLAIN" in done.stdout  # its log is told once
    assert MASK in done.stdout
    for command in (["status", "web"], ["events", "web"], ["history", "web"], ["logs", "web"], ["plan", "--json"]):
        watch.run(*command, code=2 if command[0] == "plan" else 0)
    return watch


def test_nothing_leaks_from_a_service_that_dumps_all_and_fails(dumped: Watch, number: int) -> None:
    assert dumped.leaks(ask(number)["env"]["TOKEN"]) == set()


def test_nothing_leaks_when_one_of_them_is_missing(dumped: Watch, number: int) -> None:
    token = ask(number)["env"]["TOKEN"]
    partial = {name: value for name, value in GIVEN.items() if name != "CANARY_LINES"}
    for arguments, code in ((["reconcile", "--yes", "-v"], 4), (["logs", "web"], 0)):
        done = dumped.made.run(*arguments, env=partial)
        assert done.returncode == code
        assert "CANARY_LINES" in done.stdout + done.stderr
        assert PLAIN not in done.stdout + done.stderr
        if "Not masked" not in done.stderr:  # what is not known here cannot be masked here
            dumped.hear(done)
    assert dumped.leaks(token) == set()


def test_nothing_leaks_from_plain_ansible(dumped: Watch, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ANSIBLE_DISPLAY_ARGS_TO_STDOUT", "1")
    for arguments in (["--check", "--diff"], ["-vvv"]):
        with dumped.sampling():
            done = dumped.made.ansible(*arguments)
        assert "PLAY RECAP" in done.stdout
        dumped.hear(done)
    assert "CANARY_PLAIN" in dumped.said[-1].decode()
    assert dumped.leaks(ask(number)["env"]["TOKEN"]) == set()
