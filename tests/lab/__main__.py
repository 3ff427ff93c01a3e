"""`python -m tests.lab up|down|status|images`: see README.md beside this file."""

from __future__ import annotations

import argparse
import sys
import time

from tests.lab import engine, images
from tests.lab.host import LabError, locked


def main() -> int:
    """Parse, call one function, say what happened."""
    arguments = _arguments()
    started = time.monotonic()
    try:
        for line in _run(arguments):
            print(f"{time.monotonic() - started:6.1f} s  {line}", flush=True)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "images"])
    parser.add_argument("names", nargs="*", help=f"images: {', '.join(images.names())}; all by default")
    parser.add_argument("--rebuild", action="store_true", help="make the images again, even when they are there")
    return parser.parse_args()


def _run(arguments: argparse.Namespace):
    if arguments.command == "status":
        yield from engine.status()
        yield from images.status()
        return
    with locked():
        if arguments.command == "down":
            yield engine.stop()
            return
        yield engine.start()
        for name in arguments.names or images.names():
            yield images.ensure(name, rebuild=arguments.rebuild)


if __name__ == "__main__":
    sys.exit(main())
