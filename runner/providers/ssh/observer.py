"""Looks at a host that runs containers of ours, by one SSH connection: for every provider whose machines have SSH."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

from runner import look_fields, programs, readback
from runner.domain import Resource
from runner.engines import docker, remote
from runner.errors import ProviderError
from runner.processes import with_parent
from runner.providers.ssh.client import SshHost

OBSERVER = ("docker_socket", "restarts", "health_probe", "systemd_units", "host_observer")
SIGHT = ("docker_socket", "docker_causes", "host_os", "host_docker", "host_gpu", "listeners", "host_sight")
"""Travels in front of the observer where something new is to come to the host."""

SHOWN = 80
UPDATE = "somebody has named or labelled things there in a way that we do not: docker ps -a there, and remove them"


def observe(
    host: SshHost, repo: str, password: str = "", wanted: Mapping[str, Any] | None = None, *, volumes: bool = False
) -> dict[str, Any]:
    """What `module_utils.host_observer` says there. The password, if sudo asks for one, ends with a newline. `wanted`:
    what is to come there, if anything. `volumes`: look for those, too.

    Raises ProviderError when the host does not answer.
    """
    modules = tuple(dict.fromkeys((*SIGHT, *OBSERVER))) if wanted else OBSERVER
    listing = docker.volumes_listing(repo) if volumes else ""
    program = remote.program(modules, "observe", repo, docker.listing(repo), wanted, listing)
    command = host.as_root(remote.command(host.python), asks=bool(password))
    return _answer(host, host.run(command, f"{password}{program}"))


def _answer(host: SshHost, said: str) -> dict[str, Any]:
    """The last line: a shell may have said something of its own before, from its start files."""
    *before, last = programs.lines(said.strip()) or [""]
    try:
        answer: dict[str, Any] = readback.parsed(last)
        if (wrong := look_fields.wrong(answer)) is not None:
            raise ProviderError(_improper(host, wrong), code="bad-answer", hint=UPDATE)
    except readback.Damaged as error:
        shown = next((line for line in [last, *before] if line.strip()), "nothing")[:SHOWN]
        text = f"{host.name}: its answer cannot be read: {shown}"
        hint = f"look at what the shell says when it starts and ends: ssh {host.target} true"
        raise ProviderError(text, code="bad-answer", hint=hint) from error
    return {**look_fields.NOTHING, **answer}


def _improper(host: SshHost, wrong: str) -> str:
    return f"{host.name}: its answer has no proper {wrong or 'content'}"


def log(host: SshHost, resource: Resource, password: str = "", *, follow: bool, lines: int) -> Iterator[str]:
    """`docker logs` or the journal on the host, newest last. Blocks while following."""
    unit = resource.facts.get("unit", "")
    show = "journalctl --quiet --output cat --lines" if unit else "docker logs --tail"
    which = f"--unit {shlex.quote(unit)}" if unit else f"-- {shlex.quote(resource.facts['container'])}"
    wanted = f"{show} {int(lines)} {'--follow ' if follow else ''}{which} 2>&1"
    # A shared connection keeps our standard error open until the service says its next word.
    own = ("-o", "ControlMaster=no", "-o", "ControlPath=none") if follow else ()
    command = host.command(host.as_root(wanted, asks=bool(password)), before=own)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command,
        stdin=pipe,
        stdout=pipe,
        encoding="utf-8",
        errors="replace",
        preexec_fn=with_parent(),  # noqa: PLW1509 - no thread of ours holds a lock while it looks at a log
    ) as process:
        try:
            if process.stdin:
                process.stdin.write(password)
                process.stdin.close()
            yield from (line.rstrip("\n") for line in process.stdout or ())
            if process.wait():
                text = f"the log of {resource.deployment} ended with exit code {process.returncode}"
                raise ProviderError(text, code="remote-failed", hint=f"runner status {resource.deployment}")
        finally:
            process.terminate()
