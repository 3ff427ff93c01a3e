"""All attacks, or those that are named:

    python -m tests.attack [KIND…] [--seed N] [--share 0.1]

Prints a table on standard error and one JSON line on standard output. Exit code 1 when anything gave way.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time

from tests.attack.report import Report, table

TRIES = {
    "files": 10_000,
    "states": 2_000,
    "injections": 1_000,
    "canaries": 1_000,
    "races": 100,
    "kills": 200,
    "proxy": 1_000,
}
"""Kind → how often, at full strength; each is a module here with `attack(seed, tries)`."""


def main() -> None:
    """Exit code 0 only when nothing gave way."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(TRIES))
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same attacks")
    parser.add_argument("--share", type=float, default=1.0, help="0.1 is a tenth of the full strength")
    options = parser.parse_args()
    if unknown := set(options.kinds) - TRIES.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(TRIES)}")
    reports: list[Report] = []
    for kind in options.kinds or TRIES:
        began = time.monotonic()
        module = importlib.import_module(f"tests.attack.{kind}")
        report: Report = module.attack(options.seed, max(1, round(TRIES[kind] * options.share)))
        report.figures["seconds"] = round(time.monotonic() - began)
        reports.append(report)
        print(*report.faults, sep="\n", file=sys.stderr, flush=True)
    print(table(reports), file=sys.stderr)
    print(json.dumps({"attack": {report.kind: report.as_json() for report in reports}}))
    sys.exit(any(report.faults for report in reports))


if __name__ == "__main__":
    main()
