"""From a written deployment file to a service that answers: `runner reconcile --yes` with the process engine, against
a hand-written shell script that does the same. Both start from nothing but a warm uv cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from bench._measure import (
    PYTHON,
    ROOT,
    RUNNER,
    Sample,
    alternate,
    compare,
    emit,
    environment,
    load_now,
    run,
    summary,
)

SCRIPT = ROOT / "bench" / "by_hand.sh"
DEPLOYMENT = """\
template: jupyter
provider: local
machine: {{engine: process}}
ports: {{web: {port}}}
"""


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="python -m bench.file_to_healthy", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one sample: does the benchmark itself work?")
    parser.add_argument("--samples", type=int, default=5)
    options = parser.parse_args()
    samples, load_before = (1 if options.quick else options.samples), load_now()
    again: list[Sample] = []
    sides = {"script": _script, "runner reconcile": lambda: _reconcile(again)}
    taken = alternate(sides, samples, warm_ups=0 if options.quick else 1)
    taken["runner reconcile, nothing to do"] = again[-samples:]
    emit(
        "file_to_healthy",
        load_before=load_before,
        parameters={"samples": samples, "template": "jupyter", "engine": "process", "uv_cache": "warm"},
        sides={name: summary(found) for name, found in taken.items()},
        ratios={"runner reconcile / script": compare(taken["runner reconcile"], taken["script"])},
    )


def _script() -> Sample:
    with _folder() as folder, _supervised(folder):
        port = _free_port()
        sample = run([str(SCRIPT), str(folder), str(port), PYTHON], env=_env(folder))
        _prove_healthy(port)
    return sample


def _reconcile(again: list[Sample]) -> Sample:
    """The time of the first reconcile; that of the second one, which has nothing to do, goes to `again`."""
    with _folder() as folder, _supervised(folder / "services"):
        port, root = _free_port(), _repository(folder)
        (root / "deployments" / "notebook.yaml").write_text(DEPLOYMENT.format(port=port))
        sample = run([RUNNER, "reconcile", "--yes"], cwd=root, env=_env(folder))
        _prove_healthy(port)
        runs = sorted((root / ".runner" / "runs").iterdir())
        again.append(run([RUNNER, "reconcile", "--yes"], cwd=root, env=_env(folder)))
        assert sorted((root / ".runner" / "runs").iterdir()) == runs, "a reconcile with nothing to do started Ansible"
    return sample


def _repository(folder: Path) -> Path:
    """A new one, with this one's templates, roles, playbooks and plugins."""
    root = folder / "repository"
    for name in ("deployments", "inventory"):
        (root / name).mkdir(parents=True)
    for name in ("ansible.cfg", "playbooks", "roles", "runner", "tools"):
        (root / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "templates", root / "templates")
    shutil.copytree(ROOT / "inventory" / "group_vars", root / "inventory" / "group_vars")
    shutil.copy(ROOT / "inventory" / "deployments.yaml", root / "inventory")
    (root / "runner.yaml").write_text(f"id: bench\nproviders:\n  local: {{home: {folder / 'services'}}}\n")
    return root


def _env(folder: Path) -> dict[str, str]:
    """The same programs for both sides, and a home folder in which Jupyter has left nothing yet."""
    path = os.pathsep.join((str(Path(PYTHON).parent), os.environ["PATH"]))
    cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
    return environment(PATH=path, HOME=str(folder / "home"), UV_CACHE_DIR=cache)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as name:
        (Path(name) / "home").mkdir()
        yield Path(name)


@contextmanager
def _supervised(home: Path) -> Iterator[None]:
    """Ends the supervisord of a folder, and with it the service, whatever happened."""
    try:
        yield
    finally:
        pidfile = home / "supervisord.pid"
        if pidfile.exists():
            pid = int(pidfile.read_text())
            os.kill(pid, signal.SIGTERM)
            while Path(f"/proc/{pid}").exists():
                time.sleep(0.05)


def _prove_healthy(port: int) -> None:
    with urlopen(f"http://127.0.0.1:{port}/api", timeout=5) as answer:
        assert answer.status == 200


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
