"""Brings one service of the `process` engine into the wanted state. A new version replaces the old one only once it is
healthy; until then the old one can be put back.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sys
import time

from .health_probe import wait
from .process_files import LAUNCHER, Failure, digest_of, lock, read, write
from .program_log import READ, because, end
from .restarts import MANY
from .supervisor_api import SupervisorUnreachable

DEAD_STATES = ("FATAL", "EXITED", "UNKNOWN")
PUT_BACK = "The previous version was put back"
PORT_WAIT_S = 5
SHORT = 4
"""Values that are shorter are not masked in the log: they would blank out half of it."""
MASK = "•••"


def _require_port(health):
    """Raises Failure when the port is taken, which is by somebody else: the service itself does not run now.

    Waits a little: a service that gives its port to this one does so in the same run.
    """
    deadline = time.monotonic() + PORT_WAIT_S
    while health and not _port_free(health):
        if time.monotonic() > deadline:
            message = "port %d is used by another program on this machine" % health["port"]
            raise Failure(message, "port-taken", "stop that program, or choose another port under ports:")
        time.sleep(0.1)


def _port_free(health):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((health["host"], health["port"]))
        except OSError:
            return False
    return True


def ensure_installed(service, check):
    if service.installed():
        return False
    if not check:
        service.install()
    return True


def ensure_started(service, check, force):
    """Write, start, wait, mark. Returns (changed, health)."""
    before = {"launch": read(service.path("launch.json")), "program": read(service.program)}
    after = {"launch": service.launch(), "program": service.program_text()}
    runs = service.state() in ("RUNNING", "STARTING")
    differs = before != after
    mark, wanted_mark = read(service.path("mark.json")), service.mark(service.params["digest"], "started")
    if runs and not differs and not force and _finished(mark):
        # What runs is what is wanted, whatever else the digest covers: a new owner is no reason to restart.
        healthy, detail = _healthy(service, timeout_s=2, stable_s=0)
        if healthy and service.restarts() < MANY:
            if not check:
                _finish(service, wanted_mark)
            return mark != wanted_mark, detail
    if check:
        return True, "not checked in check mode"
    if not runs:
        _require_port(service.params["health"])
    write(service.path("mark.json"), service.mark("", "started"))
    log_size = _size(service.log)
    try:
        detail = _replaced(service, after)
    except Failure as failure:
        said = _log(service, log_size) if failure.cause == "unhealthy" else []
        now = _restore(service, before, was_running=runs, differs=differs)
        message = "%s%s. %s" % (failure, because(said), now)
        raise Failure(message, failure.cause, failure.hint, end(said), rolled_back=now == PUT_BACK) from failure
    _finish(service, wanted_mark)
    return True, detail


def _finished(mark):
    """Whether the last start reached its end; if not, what runs may be older than its files."""
    return bool(digest_of(mark))


def _finish(service, mark):
    if read(service.path("mark.json")) != mark:
        write(service.path("mark.json"), mark)
    _drop_old_environments(service)


def _replaced(service, files):
    """Run the new version instead of the old one. Returns what its health check said. Raises Failure."""
    service.supervisor.stop(service.name)
    _require_port(service.params["health"])
    _switch(service, files)
    healthy, detail = _healthy(service, service.params["health"].get("timeout_s", 60))
    if not healthy:
        if service.state() == "BACKOFF":
            detail = "the service ends by itself each time it is started"
        raise Failure(detail, "unhealthy", "see all that it said: runner logs %s" % service.name)
    return detail


def _switch(service, files):
    write(service.path("launch.json"), files["launch"])
    with lock(service.home):  # other deployments write these at the same time
        write(os.path.join(service.home, "launch.py"), LAUNCHER)
        os.makedirs(os.path.dirname(service.program), mode=0o700, exist_ok=True)
        write(service.program, files["program"])
        service.supervisor.ensure_daemon(sys.executable)
        service.forget_starts()
        service.supervisor.reload()
    service.supervisor.start(service.name)


def _restore(service, before, was_running, differs):
    """Put the previous version back, or stop what does not work."""
    if not was_running or before["launch"] is None or before["program"] is None:
        with lock(service.home):
            drop_program(service)
        return "It was stopped again"
    if not differs:
        return "There is no other version to put back, so it was left as it is"
    try:
        service.supervisor.stop(service.name)
        _switch(service, before)
    except (OSError, SupervisorUnreachable) as error:
        return "The previous version could not be put back: %s" % error
    return PUT_BACK


def _healthy(service, timeout_s, **stable):
    """`stable_s`: how long it must go on after its answer; nothing for what was not started just now."""
    if not service.params["health"]:
        return True, "no health check"

    def alive():
        state = service.state()
        return "the service ended by itself (%s)" % state.lower() if state in DEAD_STATES else ""

    return wait({**service.params["health"], **stable}, timeout_s, alive, lambda: _life(service))


def _life(service):
    """Another one as soon as it was started again; None while it is not running."""
    info = service.supervisor.info(service.name) or {}
    return (info.get("pid"), info.get("start")) if info.get("pid") else None


def _size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def _log(service, start):
    """The end of what was logged since, without the secrets that it was given."""
    if not os.path.exists(service.log):
        return []
    with open(service.log, encoding="utf-8", errors="replace") as stream:
        stream.seek(start if start <= _size(service.log) else 0)
        said = "\n".join(stream.read().splitlines()[-READ:])
    for value in secrets(service.params):
        for form in (value, json.dumps(value)[1:-1], *(line for line in value.splitlines() if len(line) >= SHORT)):
            said = said.replace(form, MASK)
    return said.splitlines()


def secrets(params):
    """The values that must not be shown, longest first."""
    env, names = params["env"], params["secret_env"]
    values = {str(value) for name, value in env.items() if names is None or name in names}
    return sorted((value for value in values if len(value) >= SHORT), key=len, reverse=True)


def _drop_old_environments(service):
    for entry in os.listdir(service.folder):
        path = service.path(entry)
        if entry.startswith("venv-") and path != service.venv:
            shutil.rmtree(path, ignore_errors=True)


def ensure_stopped(service, check):
    """Without a program file no restart of the daemon brings it back. The mark keeps its digest for the next start."""
    marked = read(service.path("mark.json"))
    if marked is None and not os.path.exists(service.program):
        return False
    mark = service.mark(digest_of(marked), "stopped")
    changed = os.path.exists(service.program) or marked != mark
    if changed and not check:
        with lock(service.home):
            drop_program(service)
        write(service.path("mark.json"), mark)
    return changed


def drop_program(service):
    """End the service; end the daemon after the last one."""
    service.supervisor.stop(service.name)
    for path in (service.program, service.program + ".tmp"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    if not service.supervisor.running():
        return
    service.supervisor.reload()
    if not os.listdir(os.path.dirname(service.program)):
        service.supervisor.shutdown()


def ensure_absent(service, check):
    """Remove everything of this service; end the daemon after the last one."""
    there = os.path.exists(service.folder) or os.path.exists(service.program)
    if there and not check:
        with lock(service.home):
            drop_program(service)
            _remove_tree(service.folder)
    return there


def _remove_tree(folder):
    """The mark goes last, so that an interrupted removal is found again."""
    for entry in sorted(os.listdir(folder), key=lambda name: name == "mark.json") if os.path.isdir(folder) else []:
        path = os.path.join(folder, entry)
        shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
    if os.path.isdir(folder):
        os.rmdir(folder)
