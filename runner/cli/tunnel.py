"""Reach services that are not public: forward their ports to this machine."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import click

from runner import reach, records, specs, tunnels
from runner.cli import _complete
from runner.cli._app import App
from runner.cli._shell import shell_of
from runner.domain import Record
from runner.errors import ProviderError, UsageError
from runner.faults import suggestion
from runner.tunnels import Tunnel

GROUP = "Use"
LOOPBACK = "127.0.0.1"


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=_complete.deployments)
@click.option("--all", "everything", is_flag=True, help="All deployments that are reached by tunnel.")
@click.option(
    "--port",
    "wishes",
    multiple=True,
    metavar="[PORT=]NUMBER",
    help="The port here, e.g. 9000 or api=9000; may be repeated. Default: the service's, or the next free one.",
)
@click.option("--print", "print_only", is_flag=True, help="Only print the ssh commands.")
@click.pass_obj
def command(app: App, names: tuple[str, ...], everything: bool, wishes: tuple[str, ...], print_only: bool) -> int:
    """Forward all ports of deployments to 127.0.0.1 here, until interrupted."""
    if everything == bool(names):
        raise UsageError("which deployment?", code="usage", hint="give NAME, or --all")
    if wishes and len(names) != 1:
        raise UsageError("--port is about one deployment", code="usage", hint="give one NAME")
    made, urls = _tunnels(app, _reachable(app) if everything else names, wishes)
    here = [name for name in urls if name not in {one.name for one in made}]
    if print_only or app.output.json or not made:
        _tell(app, made, urls, here)
        return 0
    for name in here:
        app.output.note(f"{name} runs on this machine: {_listed(urls[name])}")
    with tunnels.opened(made) as running:
        codes = tunnels.wait(made, running, lambda one: app.output.note(_there(one, urls)))
    failed = {name: code for name, code in codes.items() if code}
    if failed:
        said = ", ".join(f"{name} with exit code {code}" for name, code in failed.items())
        raise ProviderError(f"a tunnel ended: {said}", code="tunnel-failed", hint="ssh said why, above")
    return 0


def _reachable(app: App) -> tuple[str, ...]:
    found = [name for name, record in records.read_all(app.repo).items() if record.machine.get("tunnel")]
    if not found:
        raise UsageError("nothing is reached by tunnel", code="nothing-there", hint="see: runner status")
    return tuple(found)


def _tunnels(app: App, names: Sequence[str], wishes: Sequence[str]) -> tuple[list[Tunnel], dict[str, dict[str, str]]]:
    """The tunnels that are needed, and name → port → URL for all."""
    made: list[Tunnel] = []
    urls: dict[str, dict[str, str]] = {}
    for name in dict.fromkeys(names):
        record, shell = shell_of(app, name)
        there = _ports(record)
        taken = [port for one in made for port in one.ports]
        here = _numbers(there, wishes, taken) if shell else there
        urls[name] = _urls(record, here)
        if shell:
            made.append(tunnels.tunnel(name, shell, {here[port]: number for port, number in there.items()}))
    return made, urls


def _ports(record: Record) -> dict[str, int]:
    """Those that a tunnel can carry, by name."""
    ports = record.spec["service"]["ports"]
    return {name: port["host"] for name, port in sorted(ports.items()) if port["protocol"] != "udp"}


def _numbers(there: dict[str, int], wishes: Sequence[str], taken: Sequence[int]) -> dict[str, int]:
    """Port → number here. What somebody asked for must be free; anything else moves up to the next free one."""
    asked = _asked(there, wishes)
    found: dict[str, int] = {}
    for name, number in there.items():
        given = {*taken, *found.values(), *(asked.values() if name not in asked else ())}
        port = tunnels.free_port(asked.get(name, number), given)
        if not port or (name in asked and port != asked[name]):
            hint = f"give another one: --port {name}={port}" if port else "give a lower one"
            raise UsageError(f"port {asked.get(name, number)} of this machine is taken", code="port-taken", hint=hint)
        found[name] = port
    return found


def _asked(there: dict[str, int], wishes: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for wish in wishes:
        name, equals, number = wish.rpartition("=")
        if not equals and len(there) == 1:
            name = next(iter(there))
        if name not in there:
            hint = suggestion(name, there) if equals else f"say which: --port {next(iter(there), 'web')}={number}"
            raise UsageError(f"--port {wish} names no port of it", code="unknown-port", hint=hint)
        if not (number.isascii() and number.isdecimal() and 0 < int(number[:6]) < 65536):  # noqa: PLR2004 - TCP's limit
            raise UsageError(f"--port {wish} is no port", code="bad-port", hint="a number from 1 to 65535")
        found[name] = int(number)
    return found


def _urls(record: Record, here: dict[str, int]) -> dict[str, str]:
    """As they are while the tunnel is open."""
    ends = specs.endpoints({**record.spec, "access": reach.TUNNEL}, LOOPBACK)
    return {name: f"{ends[name]['protocol']}://{LOOPBACK}:{port}" for name, port in here.items()}


def _there(one: Tunnel, urls: dict[str, dict[str, str]]) -> str:
    moved = {here: there for here, there in one.ports.items() if here != there}
    more = f" ({', '.join(f'{there} is {here} here' for here, there in moved.items())})" if moved else ""
    return f"{one.name}: {_listed(urls[one.name])}{more}, until you press Ctrl-C."


def _listed(urls: dict[str, str]) -> str:
    return ", ".join(urls.values())


def _tell(app: App, made: list[Tunnel], urls: dict[str, dict[str, str]], here: list[str]) -> None:
    lines = [*(f"{name} runs on this machine: {_listed(urls[name])}" for name in here)]
    lines += [shlex.join(one.command) for one in made]
    rows = [{"name": one.name, "command": [*one.command], "urls": [*urls[one.name].values()]} for one in made]
    rows += [{"name": name, "command": [], "urls": [*urls[name].values()]} for name in here]
    data = rows[0] if len(rows) == 1 else {"tunnels": rows}
    app.output.result(data, lambda: "\n".join(lines))
