"""A Docker engine for the tests: the one that answers, or one started here. Stops only what it started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.lab.host import LabError, cache, need, run

PATIENCE_S = 60


def version() -> str:
    """The engine's version; empty when none answers."""
    try:
        done = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def start() -> str:
    """Make sure that an engine answers; what was done, as a sentence."""
    if version():
        return f"engine {version()} answers"
    need("dockerd", "docker.io", "iproute2", "iptables")
    need("docker", "docker-cli")  # a package of its own since Debian 13
    with _log().open("w") as log:
        process = subprocess.Popen(
            ["dockerd", *_listen()], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    _pid_file().write_text(str(process.pid))
    deadline = time.monotonic() + PATIENCE_S
    while not version():
        if process.poll() is not None or time.monotonic() > deadline:
            _pid_file().unlink()
            msg = f"dockerd does not come up; the end of {_log()}:\n{_tail()}"
            raise LabError(msg)
        time.sleep(0.2)
    process.returncode = 0  # it outlives this process on purpose: no warning that nobody waits for it
    return f"engine {version()} started"


def stop() -> str:
    """Stop the engine that `start` started; what was done, as a sentence."""
    pid = _ours()
    if not pid:
        return "nothing to stop: no engine was started here" + (
            ", the one that answers is left alone" * bool(version())
        )
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_S
    while _ours():
        if time.monotonic() > deadline:
            msg = f"dockerd ({pid}) does not stop; see {_log()}"
            raise LabError(msg)
        time.sleep(0.2)
    _pid_file().unlink()
    return "engine stopped"


def status() -> Iterator[str]:
    """One line: what answers, and whose it is."""
    whose = f"started here, pid {_ours()}" if _ours() else "not started here"
    yield f"engine {version()} answers ({whose})" if version() else "no engine answers: run `python -m tests.lab up`"
    if version():
        yield run(
            "docker", "info", "--format", "storage {{.Driver}}, cgroup v{{.CgroupVersion}}, {{.NCPU}} cores"
        ).strip()


def _ours() -> int:
    """Process id of the engine started here; 0 when there is none (any more)."""
    try:
        pid = int(_pid_file().read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return 0
    return pid if b"dockerd" in command else 0  # empty for a zombie, another program after a reboot


def _listen() -> list[str]:
    host = os.environ.get("DOCKER_HOST", "")
    if host and not host.startswith("unix://"):
        msg = f"DOCKER_HOST={host} does not answer, and the lab can only start an engine on a unix:// socket; unset it"
        raise LabError(msg)
    return ["-H", host] if host else []


def _pid_file() -> Path:
    return cache() / "dockerd.pid"


def _log() -> Path:
    return cache() / "dockerd.log"


def _tail() -> str:
    return "\n".join(_log().read_text(errors="replace").splitlines()[-15:])
