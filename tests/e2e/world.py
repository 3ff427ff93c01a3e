"""What the end-to-end tests act on: a repository with the real roles, the lab's hosts as its pool, and ways to look at
everything from beside SSH.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from runner import inert, records
from tests.conftest import ROOT, SHARED, RepoBuilder
from tests.lab import hosts, usage
from tests.lab.machine import Host

HERE = Path(__file__).parent
TOOLS = Path(sys.executable).parent


@dataclass(frozen=True)
class World(RepoBuilder):
    """A repository that reaches lab hosts. `home` is a short folder for sockets: connections are never shared between
    worlds, so that a test sees what a first connection sees.
    """

    id: str = ""
    pool: dict[str, dict[str, Any]] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    # --- writing ------------------------------------------------------------------------------------------------------

    def add(self, host: Host, name: str = "", **facts: Any) -> None:
        """Put a host into the pool, or change what the pool says of it; None removes a field."""
        entry = {**yaml.safe_load("{" + usage.entry(host) + "}"), **facts}
        entry = {key: value for key, value in entry.items() if value is not None}
        self.pool[name or host.name] = entry
        self.write_settings()

    def drop(self, name: str) -> None:
        """Take a host out of the pool."""
        del self.pool[name]
        self.write_settings()

    def write_settings(self) -> None:
        """runner.yaml as the pool is now."""
        providers = {"ssh": {"hosts": self.pool}, "local": {"home": str(self.home / "services")}}
        images = {"replace": usage.replacements()}
        self.settings(json.dumps({"id": self.id, "images": images, "providers": providers}))

    def spark(self, name: str, port: int, machine: str, text: str = "") -> Path:
        """The deployment of the smallest service that there is: see spark.yaml."""
        head = f"template: spark\nprovider: ssh\nmachine: {{{machine}}}\nports: {{web: {port}}}\n"
        return self.deployment(name, head + text)

    def forget(self, name: str) -> None:
        """Delete the file of a deployment, as a person would."""
        (self.root / "deployments" / f"{name}.yaml").unlink()

    # --- commands -----------------------------------------------------------------------------------------------------

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return super().run(*arguments, env={**self.env, **(env or {})})

    def ok(self, *arguments: str, code: int = 0, env: dict[str, str] | None = None) -> str:
        """Run a command that must end with this code. Returns everything it said."""
        done = self.run(*arguments, env=env)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def json(self, *arguments: str, code: int = 0, env: dict[str, str] | None = None) -> Any:
        """The JSON answer of a command that must end with this code."""
        done = self.run("--json", *arguments, env=env)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command that is not waited for."""
        return subprocess.Popen(
            [sys.executable, "-m", "runner", *arguments],
            cwd=self.root,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ansible(self) -> str:
        """Plain `ansible-playbook playbooks/site.yml`; what it said."""
        done = subprocess.run(
            [TOOLS / "ansible-playbook", "playbooks/site.yml"],
            cwd=self.root,
            env={**os.environ, "ANSIBLE_FORCE_COLOR": "0", **self.env},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def reconcile(self, *arguments: str, code: int = 0, env: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
        """Apply; what came of each deployment."""
        document = self.json("reconcile", "--yes", *arguments, code=code, env=env)
        return {row["deployment"]: row for row in document["results"]}

    def plan(self, *names: str, code: int, env: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
        """The plan's actions by deployment."""
        return {row["deployment"]: row for row in self.json("plan", *names, code=code, env=env)["actions"]}

    def actions(self, *names: str, code: int) -> dict[str, str]:
        """Deployment → planned action."""
        return {name: row["action"] for name, row in self.plan(*names, code=code).items()}

    def health(self) -> dict[str, str]:
        """Deployment → health, as `status` says."""
        return {row["name"]: row["health"] for row in self.json("status")["deployments"]}

    # --- looking ------------------------------------------------------------------------------------------------------

    def record(self, name: str) -> dict[str, Any]:
        """What the repository remembers of a deployment."""
        text = (self.root / "inventory" / "host_vars" / name / "access.yaml").read_text()
        found: dict[str, Any] = inert.parse(records.VARIABLE, text)
        return found

    def host_of(self, name: str) -> str:
        """On which host a deployment is."""
        return str(self.record(name)["machine"]["host"])

    def container(self, name: str) -> str:
        """What its container is called."""
        return f"slipway-{self.id}-{name}"

    def runs(self) -> list[Path]:
        """The folders of all applies, oldest first."""
        folder = self.root / ".runner" / "runs"
        return sorted(folder.iterdir()) if folder.exists() else []

    def events(self) -> list[dict[str, Any]]:
        """What the last apply did, as far as it is."""
        path = self.runs()[-1] / "events.jsonl" if self.runs() else None
        whole = path.read_text().rpartition("\n")[0] if path and path.exists() else ""
        return [json.loads(line) for line in whole.splitlines()]

    def written(self) -> Iterator[tuple[Path, bytes]]:
        """Every file of the repository that is its own, logs and runs included."""
        for path in self.root.rglob("*"):
            if path.relative_to(self.root).parts[0] not in SHARED and path.is_file() and not path.is_symlink():
                yield path, path.read_bytes()


def build(folder: Path) -> World:
    """An empty repository with the real roles, playbooks and templates, and one more template."""
    root = folder / "repo"
    for part in ("deployments", "inventory"):
        (root / part).mkdir(parents=True)
    for name in SHARED:
        (root / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "templates", root / "templates")
    shutil.copytree(ROOT / "inventory" / "group_vars", root / "inventory" / "group_vars")
    shutil.copy(ROOT / "inventory" / "deployments.yaml", root / "inventory")
    shutil.copy(HERE / "spark.yaml", root / "templates")
    short = Path(f"/tmp/slipway-e2e-{secrets.token_hex(3)}")
    short.mkdir(mode=0o700)
    world = World(root, short, id=f"e2e-{secrets.token_hex(3)}", env={"TMPDIR": str(short)})
    world.write_settings()
    return world


def hang_up(world: World) -> None:
    """Close the connections of a world, as if nobody had used it for a while."""
    for pid in processes(f"{world.home}/"):
        os.kill(pid, signal.SIGTERM)
    until(lambda: not processes(f"{world.home}/"))


def end(world: World, machines: Sequence[Host]) -> None:
    """Close the connections of a world and remove what it has on these hosts, which run."""
    hang_up(world)
    shutil.rmtree(world.home, ignore_errors=True)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: sweep(host.name, world.id), machines))


def sweep(host: str, repo: str) -> None:
    """Remove every script, container and volume of a repository from a host."""
    script = f"""
        for unit in /etc/systemd/system/slipway-{repo}-*.service; do
            [ -e "$unit" ] && systemctl disable -q --now "$(basename "$unit")" && rm "$unit"
        done
        rm -rf /var/lib/slipway/units/{repo}-* /var/lib/private/slipway-{repo}-* /var/lib/slipway-{repo}-*
        command -v docker >/dev/null && systemctl -q is-active docker || exit 0
        docker ps -aq --filter label=slipway-repo={repo} | xargs -r docker rm -fv
        docker volume ls -q --filter label=slipway-repo={repo} | xargs -r docker volume rm
    """
    hosts.console(host, "sh", "-c", script)


# --- hosts ------------------------------------------------------------------------------------------------------------


def listening(host: str) -> dict[int, set[str]]:
    """Port → addresses at which something listens on a host."""
    found: dict[int, set[str]] = {}
    for line in hosts.console(host, "ss", "-Hltn").splitlines():
        address, _, port = line.split()[3].rpartition(":")
        found.setdefault(int(port), set()).add(address)
    return found


def containers(host: str, repo: str = "") -> dict[str, str]:
    """Container → status, of one repository or of all."""
    chosen = ["--filter", f"label=slipway-repo={repo}"] if repo else []
    said = hosts.console(host, "docker", "ps", "-a", *chosen, "--format", "{{.Names}}\t{{.State}}")
    return dict(line.split("\t") for line in said.splitlines())


def volumes(host: str) -> set[str]:
    """Names of all volumes of a host."""
    return set(hosts.console(host, "docker", "volume", "ls", "-q").split())


def ask(host: Host, port: int, path: str = "/") -> str:
    """What a service of a host answers there."""
    return host.ssh(
        f"python3 -c 'import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:{port}{path}\").read().decode())'"
    ).stdout


def reaches(host: Host, address: str, port: int) -> bool:
    """Whether one host can open a connection to a port of an address."""
    probe = f'import socket; socket.create_connection(("{address}", {port}), 2)'
    return host.ssh(f"python3 -c '{probe}'", check=False).returncode == 0


# --- this machine -----------------------------------------------------------------------------------------------------


def processes(text: str) -> list[int]:
    """Processes of this machine that have a text in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            said = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if text.encode() in said and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


@contextmanager
def watched(canary: str, host: str) -> Iterator[list[str]]:
    """Collects the command lines, here and on a host, in which a canary shows up meanwhile."""
    seen: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for pid in processes(canary):
                seen.append(f"here: {pid}")

    there = subprocess.Popen(
        ["docker", "exec", "-i", f"slipway-lab-{host}", "python3", "-c", WATCH],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert there.stdin
    there.stdin.write(canary + "\n")
    there.stdin.flush()
    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
        seen += [f"there: {line}" for line in there.communicate("\n")[0].splitlines()]


WATCH = """
import glob, select, sys
canary = sys.stdin.readline().strip().encode()
while not select.select([sys.stdin], [], [], 0.02)[0]:
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            said = open(path, "rb").read()
        except OSError:
            continue
        if canary in said:
            print(said, flush=True)
"""


def until(what: Callable[[], Any], timeout_s: float = 30.0) -> Any:
    """Wait for something to become true (or not to raise OSError) and return it."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            found = what()
        except OSError:
            found = None
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
