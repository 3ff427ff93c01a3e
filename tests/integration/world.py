"""What the integration tests act on: a repository whose services run, and ways to look at all they leave behind."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.ansible_plugins.module_utils.supervisor_api import Supervisor
from runner.processes import RUN_ENV
from runner.repo import data_home
from tests.conftest import ROOT, SHARED, RepoBuilder

HERE = Path(__file__).parent
HERMETIC = {"UV_OFFLINE": "1", "NO_COLOR": "1", "COLUMNS": "120"}
"""The services of these tests need nothing from outside, and a missing package must be noticed at once."""


@dataclass(frozen=True)
class World(RepoBuilder):
    """A repository, its services, and its processes."""

    def beacon(self, name: str, port: int, text: str = "") -> Path:
        """The deployment of a beacon."""
        head = f"template: beacon\nmachine: {{engine: process}}\nports: {{web: {port}}}\n"
        return self.deployment(name, head + text)

    def ok(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Run a command that must work. Returns what it answered."""
        done = self.run(*arguments, env=env)
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str, code: int = 0, env: dict[str, str] | None = None) -> Any:
        """The JSON answer of a command that must end with this code."""
        done = self.run("--json", *arguments, env=env)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return super().run(*arguments, env={**HERMETIC, **(env or {})})

    def start(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """The command line, not waited for."""
        return subprocess.Popen(
            [sys.executable, "-m", "runner", *arguments],
            cwd=self.root,
            env={**os.environ, **HERMETIC, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ansible(self, *arguments: str, playbook: str = "playbooks/site.yml") -> subprocess.CompletedProcess[str]:
        """Plain `ansible-playbook`."""
        program = Path(sys.executable).with_name("ansible-playbook")
        environment = {**os.environ, **HERMETIC, "ANSIBLE_FORCE_COLOR": "0"}
        return subprocess.run(
            [program, playbook, *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    # --- looking ------------------------------------------------------------------------------------------------------

    def plan(self, *names: str, code: int = 0) -> dict[str, dict[str, Any]]:
        """The plan's actions by deployment."""
        return {item["deployment"]: item for item in self.json("plan", *names, code=code)["actions"]}

    def actions(self, *names: str, code: int = 0) -> dict[str, str]:
        """Deployment → planned action."""
        return {name: item["action"] for name, item in self.plan(*names, code=code).items()}

    def status(self, name: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.json("status", name)
        return answer

    def runs(self) -> list[Path]:
        """The folders of all applies, oldest first."""
        folder = self.root / ".runner" / "runs"
        return sorted(folder.iterdir()) if folder.exists() else []

    def files(self) -> dict[str, str]:
        """Every file that belongs to the repository (not `.runner`, not what all checkouts share), with a digest."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            inside = path.relative_to(self.root)
            if inside.parts[0] not in (".runner", *SHARED) and path.is_file():
                found[inside.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def service_files(self) -> list[str]:
        """Everything below the services' folder but the environments' inside."""
        return sorted(
            path.relative_to(self.home).as_posix()
            for path in self.home.rglob("*")
            if not any(part.startswith("venv-") for part in path.relative_to(self.home).parts[:-1])
        )

    def traces(self, name: str) -> list[str]:
        """Whatever is left of a deployment: files, and processes."""
        mine = (f"inventory/host_vars/{name}/", f"deployments/access/{name}.md", f"deployments/access/.{name}.md")
        left = [file for file in self.files() if file.startswith(mine)]
        left += [file for file in self.service_files() if name in file] if self.home.exists() else []
        table = self.root / "deployments" / "README.md"
        left += ["row in the table"] if table.exists() and f"[{name}]" in table.read_text() else []
        return left + [f"process {pid}" for pid in processes(f"{self.home}/services/{name}/")]

    @property
    def locks(self) -> Path:
        """Where the leases of this repository are."""
        found = re.search(r"^id: (\S+)$", (self.root / "runner.yaml").read_text(), re.MULTILINE)
        assert found
        return data_home() / found[1] / "locks"

    def leftovers(self) -> list[str]:
        """What no run may leave behind: temporary files, locks, processes of a run."""
        local = self.root / ".runner"
        left = [path for folder in ("tmp", "ansible/tmp") for path in (local / folder).glob("*")]
        left += [path for path in self.locks.glob("*") if path.name != ".guard"]
        left += [path for top in (self.root, self.home) for path in top.rglob("*.tmp") if ".venv" not in path.parts]
        found = [str(path) for path in left]
        for run in self.runs():
            found += [f"process {pid}" for pid in processes(f"{RUN_ENV}={run.name}")]
        return found

    def services(self) -> dict[str, dict[str, Any]]:
        """What supervisord says."""
        return dict(Supervisor(str(self.home)).processes())

    def environments(self, name: str) -> list[str]:
        """The folders of installed packages of a service."""
        return sorted(path.name for path in (self.home / "services" / name).glob("venv-*"))


def build(folder: Path, wheel_file: Path) -> World:
    """An empty repository with the real roles and playbooks, the real templates and one more.

    Its folders have names that break whatever takes paths apart: spaces, quotes, percent signs.
    """
    root, home = folder / "José's repo", folder / "100% ünï"
    for part in ("deployments", "inventory"):
        (root / part).mkdir(parents=True)
    for name in SHARED:
        (root / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "templates", root / "templates")
    shutil.copytree(ROOT / "inventory" / "group_vars", root / "inventory" / "group_vars")
    shutil.copy(ROOT / "inventory" / "deployments.yaml", root / "inventory")
    world = World(root, home)
    world.template("beacon", (HERE / "beacon.yaml").read_text().replace("WHEEL", str(wheel_file)))
    # An id of its own, and no Docker: what else runs on this machine is not ours.
    engine = json.dumps({"home": str(home), "docker_socket": f"{folder}/no-docker.sock"}, ensure_ascii=False)
    world.settings(f"id: t-{secrets.token_hex(4)}\nproviders:\n  local: {engine}\n")
    return world


def end(world: World) -> None:
    """Stop everything that a test has left running."""
    Supervisor(str(world.home)).shutdown()
    for pid in processes(str(world.home)):
        os.kill(pid, signal.SIGKILL)


def wheel(folder: Path) -> Path:
    """The beacon as a package that installs in no time and needs no index."""
    path = folder / "beacon-1-py3-none-any.whl"
    info = "beacon-1.dist-info"
    content = {
        "beacon.py": (HERE / "beacon.py").read_text(),
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: beacon\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    content[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*content, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return path


# --- processes and ports ----------------------------------------------------------------------------------------------


def processes(text: str) -> list[int]:
    """Processes that have a text in their command line or their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            said = (folder / "cmdline").read_bytes() + b"\0" + (folder / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in said and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def ask(port: int) -> dict[str, Any]:
    """What a beacon answers. Raises OSError."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


def refuses(port: int) -> bool:
    """Does nobody listen?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def until(what: Callable[[], Any], timeout_s: float = 20.0) -> Any:
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
        time.sleep(0.05)


def events(run: Path) -> Iterator[dict[str, Any]]:
    """The events of a run so far."""
    path = run / "events.jsonl"
    for line in path.read_text().splitlines() if path.exists() else ():
        yield json.loads(line)
