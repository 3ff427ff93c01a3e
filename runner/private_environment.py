"""Hands the environment of whoever runs a command to Ansible without writing it anywhere.

ansible-runner writes the environment that it is given into a file, in clear; a kill would leave it there. So it gets
what the run adds, and the program that it starts fetches the rest from a memory file of ours, which ends with us.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

VARIABLE = "SLIPWAY_ENVIRONMENT"
"""Where the rest is; only the program that fetches it sees this variable."""
_FETCH = Path(__file__).parent / "fetch_environment.py"


@contextlib.contextmanager
def handed_over(environment: Mapping[str, str], known: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """What may be written down of an environment, as long as the rest can be fetched.

    `known` is the caller's own: what is as it is there may be secret, what was added for the run is not.
    """
    private = {name: value for name, value in environment.items() if known.get(name) == value}
    memory = os.memfd_create("slipway-environment", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(memory), "w", encoding="utf-8", errors="surrogateescape") as stream:
            json.dump(private, stream)
        told = {name: value for name, value in environment.items() if name not in private}
        yield {**told, VARIABLE: f"/proc/{os.getpid()}/fd/{memory}"}
    finally:
        os.close(memory)


def fetching(command: list[str]) -> list[str]:
    """The command line of a program that gets its whole environment."""
    return [sys.executable, "-I", "-S", str(_FETCH), *command]
