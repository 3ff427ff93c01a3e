"""`python -m tests.roles.machines up|down FOLDER NAME…`: lab hosts for molecule, as bare as if just rented.

Writes into FOLDER (molecule's) how to reach them, host keys included. NAME:docker is one with an engine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from tests.lab import hosts, registry
from tests.lab.host import LabError


def main() -> int:
    """Parse, call one function."""
    parser = argparse.ArgumentParser(prog="python -m tests.roles.machines", description=__doc__)
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+")
    arguments = parser.parse_args()
    names = [name.partition(":")[0] for name in arguments.names]
    try:
        hosts.remove(*names)
        if arguments.command == "up":
            _up(arguments.folder, arguments.names)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def prepare() -> None:
    """What all scenarios need. Raises LabError where there can be no lab."""
    registry.ensure("tiny", "ollama-stand-in")


def _up(folder: Path, asked: list[str]) -> None:
    prepare()
    made = []
    for name in asked:
        plain, _, flavour = name.partition(":")
        made += hosts.ensure([plain], "host-docker" if flavour else "host")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "known_hosts").write_text("".join(f"{host.address} {host.host_key}\n" for host in made))
    instances = [
        {
            "instance": host.name,
            "address": host.address,
            "user": host.user,
            "port": host.port,
            "identity_file": str(host.key),
        }
        for host in made
    ]
    (folder / "instance_config.yml").write_text(yaml.safe_dump(instances))


if __name__ == "__main__":
    sys.exit(main())
