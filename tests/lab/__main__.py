"""`python -m tests.lab up|down|status|images|settings`: see README.md beside this file."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from tests.lab import engine, hosts, images, network, registry, usage
from tests.lab.host import LabError, locked

HOSTS: dict[str, hosts.Flavour] = {"lab-1": "host", "lab-2": "host", "lab-3": "host-docker"}

HELP = """
Hosts, `ubuntu` may become root without a password:
{logins}

To use them, in a copy of this repository (cp -r . /tmp/try && cd /tmp/try), add to runner.yaml:

{settings}

and deploy, for example:

  printf 'template: jupyter\\nprovider: ssh\\nmachine: {{host: {bare}}}\\n' > deployments/notes.yaml
  printf 'template: ollama\\nprovider: ssh\\nmachine: {{host: {last}}}\\n' > deployments/chat.yaml
  runner reconcile

`python -m tests.lab settings` prints that part of runner.yaml again, `down` removes all hosts.
"""


def main() -> int:
    """Parse, call one function, say what happened."""
    arguments = _arguments()
    started = time.monotonic()
    try:
        if arguments.command == "settings":
            registry.ensure(*usage.served().values())  # what is printed can be pulled
            print(usage.settings(_existing(arguments.names)))
            return 0
        for line in _run(arguments):
            print(f"{time.monotonic() - started:6.1f} s  {line}", flush=True)
        if arguments.command == "up":
            _explain(_existing(list(_wanted(arguments))))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "images", "settings"])
    parser.add_argument("names", nargs="*", help=f"up, settings: hosts; images: of {', '.join(images.names())}")
    parser.add_argument("--docker", action="store_true", help="up: the hosts that are named have Docker already")
    parser.add_argument("--rebuild", action="store_true", help="images: make them again, even when they are there")
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.command == "status":
        yield from _status()
    elif arguments.command == "down":
        yield from _down()
    elif arguments.command == "images":
        yield from _images(arguments.names or images.names(), rebuild=arguments.rebuild)
    else:
        yield from _images(images.names())
        for reference in registry.ensure(*usage.served().values()):
            yield f"{reference} can be pulled"
        for name, flavour in _wanted(arguments).items():
            yield f"host {hosts.ensure([name], flavour)[0].address} is {name}"


def _wanted(arguments: argparse.Namespace) -> dict[str, hosts.Flavour]:
    flavour: hosts.Flavour = "host-docker" if arguments.docker else "host"
    return dict.fromkeys(arguments.names, flavour) or HOSTS


def _existing(names: list[str]) -> list[hosts.Host]:
    return [host for host in hosts.existing() if host.name in names or not names]


def _images(names: list[str], *, rebuild: bool = False) -> Iterator[str]:
    with locked():
        yield engine.start()
        for name in names:
            yield images.ensure(name, rebuild=rebuild)


def _down() -> Iterator[str]:
    if engine.version():
        gone = hosts.remove()
        yield f"hosts removed: {', '.join(gone) or 'there were none'}"
        yield registry.remove()
        yield network.remove()
    with locked():
        yield engine.stop()


def _status() -> Iterator[str]:
    yield from engine.status()
    if engine.version():
        yield from images.status()
        yield from hosts.status()


def _explain(those: list[hosts.Host]) -> None:
    logins = "\n".join(f"  ssh -i {host.key} {host.user}@{host.address}   # {host.name}" for host in those)
    settings = "\n".join(f"  {line}" for line in usage.settings(those).splitlines())
    print(HELP.format(logins=logins, settings=settings, bare=those[0].name, last=those[-1].name))


if __name__ == "__main__":
    sys.exit(main())
