"""How long the command line takes to start: `runner --help` and `runner version` against what cannot be avoided
(Python itself, importing click) and against a neighbour, `dstack --help`.
"""

from __future__ import annotations

import argparse
from functools import partial

from bench._measure import (
    PYTHON,
    RUNNER,
    alternate,
    compare,
    emit,
    load_now,
    peer,
    run,
    summary,
)

DSTACK = "dstack==0.22.5"


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="python -m bench.cli_start", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two samples, no dstack: does the benchmark itself work?")
    parser.add_argument("--samples", type=int, default=20)
    options = parser.parse_args()
    samples, load_before = (2 if options.quick else options.samples), load_now()
    commands = {
        "python -c pass": [PYTHON, "-c", "pass"],
        "python -c 'import click'": [PYTHON, "-c", "import click"],
        "runner --help": [RUNNER, "--help"],
        "runner version": [RUNNER, "version"],
    }
    dstack = "" if options.quick else peer(DSTACK, "dstack")
    if dstack:
        commands["dstack --help"] = [dstack, "--help"]
    taken = alternate({name: partial(run, argv) for name, argv in commands.items()}, samples, warm_ups=2)
    ratios = {
        "runner --help / import click": compare(taken["runner --help"], taken["python -c 'import click'"]),
        "runner version / import click": compare(taken["runner version"], taken["python -c 'import click'"]),
    }
    if dstack:
        ratios["dstack --help / runner --help"] = compare(taken["dstack --help"], taken["runner --help"])
    emit(
        "cli_start",
        load_before=load_before,
        parameters={"samples": samples, "bytecode": "warm for every side", "peer": DSTACK if dstack else ""},
        sides={name: summary(found) for name, found in taken.items()},
        ratios=ratios,
    )


if __name__ == "__main__":
    main()
