"""From hosts that only have SSH to a service on each: `runner reconcile` against shell scripts by parallel SSH, against
pyinfra, and against plain `ansible-playbook` with the same roles; then what each takes when there is nothing to do. On
hosts of the lab.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench._measure import (
    PYTHON,
    ROOT,
    RUNNER,
    CommandFailed,
    Sample,
    emit,
    environment,
    load_now,
    note,
    peer,
    run,
    summary,
)
from tests.lab import hosts, registry, usage
from tests.lab.host import LabError
from tests.lab.machine import Host

SCRIPT = ROOT / "bench" / "ssh_by_hand.sh"
PYINFRA = "pyinfra==3.10.0"
PLAYBOOK = str(Path(PYTHON).with_name("ansible-playbook"))
PORT = 18700
Take = Callable[[], Sample]


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="python -m bench.ssh_fleet", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one host, one sample, no pyinfra: does the benchmark itself work?"
    )
    parser.add_argument("--hosts", type=int, nargs="+", default=[1, 5], metavar="N", help="with Docker already")
    parser.add_argument("--bare", type=int, nargs="*", default=[1], metavar="N", help="without Docker")
    parser.add_argument(
        "--sides", nargs="+", default=[side.name for side in SIDES], choices=[side.name for side in SIDES]
    )
    parser.add_argument("--samples", type=int, default=2, help="first deploys of each side")
    parser.add_argument("--again", type=int, default=3, help="runs of each side with nothing to do")
    parser.add_argument("--prefix", default="bench", help="what the hosts are called; they are removed at the end")
    options = parser.parse_args()
    if options.quick:
        options.hosts, options.bare, options.samples, options.again = [1], [], 1, 1
    if _Pyinfra.name in options.sides and (options.quick or not peer(PYINFRA, "pyinfra")):
        options.sides.remove(_Pyinfra.name)
    load_before = load_now()
    cases = [("host", count) for count in options.bare] + [("host-docker", count) for count in options.hosts]
    try:
        taken = {f"{flavour} × {count}": _measure(flavour, count, options) for flavour, count in cases}
    except LabError as error:
        note(f"no lab: {error}")
        emit("ssh_fleet", load_before=load_before, parameters={}, skipped=str(error))
        return
    emit(
        "ssh_fleet",
        load_before=load_before,
        parameters={"samples": options.samples, "again": options.again, "peer": PYINFRA},
        sides={case: {name: summary(found) for name, found in sides.items()} for case, sides in taken.items()},
        ratios={case: _ratios(sides) for case, sides in taken.items()},
    )


def _ratios(sides: dict[str, list[Sample]]) -> dict[str, float]:
    """Of time. Most of the work is done on the hosts, so CPU time of the commands says little."""
    pairs = [
        ("reconcile, first", "script, first"),
        ("reconcile, first", "pyinfra, first"),
        ("reconcile, first", "ansible-playbook, first"),
        ("plan, nothing to do", "script, nothing to do"),
        ("reconcile, nothing to do", "ansible-playbook, nothing to do"),
        ("drift --deep, nothing to do", "ansible-playbook, nothing to do"),
        ("drift --deep, nothing to do", "pyinfra, nothing to do"),
        ("drift --deep, nothing to do", "script, nothing to do"),
    ]
    middle = {name: median(sample.seconds for sample in found) for name, found in sides.items()}
    return {
        f"{one} / {other}": round(middle[one] / middle[other], 2)
        for one, other in pairs
        if one in middle and other in middle
    }


def _measure(flavour: Any, count: int, options: argparse.Namespace) -> dict[str, list[Sample]]:
    """Every side from new hosts, in turns; after the last first deploy of a side, the same side again."""
    names = [f"{options.prefix}-{number + 1}" for number in range(count)]
    taken: dict[str, list[Sample]] = {}

    def take(what: str, side: Take) -> None:
        taken.setdefault(what, []).append(side())
        note(f"{flavour} × {count}: {what} {taken[what][-1].seconds:.2f} s")

    [image] = registry.ensure("tiny")
    try:
        hosts.ensure(names, flavour)
        for sample in range(options.samples):
            for side in (side for side in SIDES if side.name in options.sides):
                with ThreadPoolExecutor() as pool:
                    fresh = list(pool.map(lambda name: hosts.reset(name, flavour), names))
                with _folder() as folder:
                    it = side(folder, fresh, image)
                    take(f"{it.name}, first", it.first)
                    for what, again in it.again().items() if sample == options.samples - 1 else ():
                        for _ in range(options.again):
                            take(f"{what}, nothing to do", again)
    finally:
        hosts.remove(*names)
    return taken


class _Script:
    """One script for each host, all at once."""

    name = "script"

    def __init__(self, folder: Path, machines: Sequence[Host], image: str) -> None:
        del folder
        rules = base64.b64encode(_rules().encode()).decode()
        words = f"sudo bash -s by-hand {image} {PORT} {rules}"
        self._commands = [[*host.ssh_command(), words] for host in machines]

    def first(self) -> Sample:
        started = time.perf_counter()
        processes = []
        for command in self._commands:
            with SCRIPT.open() as script:
                processes.append(
                    subprocess.Popen(command, stdin=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                )
        said = [process.communicate()[0] for process in processes]
        seconds = time.perf_counter() - started
        for process, text in zip(processes, said, strict=True):
            if process.returncode:
                raise CommandFailed(f"the script ended with {process.returncode}\n{text[-2000:]}")
        return Sample(seconds)

    def again(self) -> dict[str, Take]:
        return {"script": self.first}


class _Repository:
    """A new repository with a deployment for each host."""

    def __init__(self, folder: Path, machines: Sequence[Host], image: str) -> None:
        self.root, self.env = folder / "repository", environment(TMPDIR=str(folder))
        for name in ("deployments", "inventory", "templates"):
            (self.root / name).mkdir(parents=True)
        for name in ("ansible.cfg", "playbooks", "roles", "runner", "tools"):
            (self.root / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "inventory" / "group_vars", self.root / "inventory" / "group_vars")
        shutil.copy(ROOT / "inventory" / "deployments.yaml", self.root / "inventory")
        template = (ROOT / "bench" / "ssh_fleet.yaml").read_text().replace("IMAGE", image)
        (self.root / "templates" / "word.yaml").write_text(template)
        pool = "".join(f"      {host.name}: {{{usage.entry(host)}}}\n" for host in machines)
        (self.root / "runner.yaml").write_text(f"id: bench\nproviders:\n  ssh:\n    hosts:\n{pool}")
        for host in machines:
            text = f"template: word\nprovider: ssh\nmachine: {{host: {host.name}}}\nports: {{web: {PORT}}}\n"
            (self.root / "deployments" / f"on-{host.name}.yaml").write_text(text)

    def run(self, *argv: str) -> Sample:
        return run(argv, cwd=self.root, env=self.env)


class _Runner(_Repository):
    """`runner`, with everything that it does besides: lock, records, access pages, encrypted secrets."""

    name = "reconcile"

    def first(self) -> Sample:
        return self.run(RUNNER, "reconcile", "--yes")

    def again(self) -> dict[str, Take]:
        return {
            "plan": lambda: self.run(RUNNER, "plan"),
            "reconcile": lambda: self.run(RUNNER, "reconcile", "--yes"),
            "drift --deep": lambda: self.run(RUNNER, "drift", "--deep"),
        }


class _Ansible(_Repository):
    """The same roles without the runner."""

    name = "ansible-playbook"

    def first(self) -> Sample:
        return self.run(PLAYBOOK, "playbooks/site.yml")

    def again(self) -> dict[str, Take]:
        return {"ansible-playbook": self.first}


class _Pyinfra:
    """The same with pyinfra's operations. It opens its own connections, and knows no password."""

    name = "pyinfra"

    def __init__(self, folder: Path, machines: Sequence[Host], image: str) -> None:
        login = {"ssh_user": "ubuntu", "ssh_strict_host_key_checking": "yes"}
        rows = [(host.address, {**login, "ssh_key": str(host.key), "ssh_port": host.port}) for host in machines]
        known = folder / "known_hosts"
        known.write_text("".join(f"{host.address} {host.host_key}\n" for host in machines))
        inventory = folder / "inventory.py"
        inventory.write_text(
            f"hosts = {[(name, {**row, 'ssh_known_hosts_file': str(known)}) for name, row in rows]!r}\n"
        )
        given = {"image": image, "port": str(PORT), "rules": base64.b64encode(_rules().encode()).decode()}
        data = [word for key, value in given.items() for word in ("--data", f"{key}={value}")]
        deploy = str(ROOT / "bench" / "_ssh_by_pyinfra.py")
        self._command = [peer(PYINFRA, "pyinfra"), "-y", *data, str(inventory), deploy]
        self._folder = folder

    def first(self) -> Sample:
        return run(self._command, cwd=self._folder, env=environment(TMPDIR=str(self._folder)))

    def again(self) -> dict[str, Take]:
        return {"pyinfra": self.first}


SIDES = (_Script, _Runner, _Pyinfra, _Ansible)


def _rules() -> str:
    """The same rules as the role `docker` loads, under another name."""
    from jinja2 import Template

    source = (ROOT / "roles" / "docker" / "templates" / "guard.nft.j2").read_text()
    bridges = ["docker0", "docker_gwbridge", "br-*"]
    return Template(source, trim_blocks=True).render(docker_guard_bridges=bridges).replace("slipway-docker", "by-hand")


@contextmanager
def _folder() -> Iterator[Path]:
    """Sockets of SSH lie in it, so its name is short, and no connection is shared with an earlier side."""
    folder = Path(tempfile.mkdtemp(prefix="sb-", dir="/tmp"))
    try:
        yield folder
    finally:
        _end_connections(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _end_connections(folder: Path) -> None:
    """Those that SSH keeps open name the folder of their socket."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        if words.startswith(b"ssh") and f"{folder}/".encode() in words:
            os.kill(int(process.name), signal.SIGTERM)


if __name__ == "__main__":
    main()
