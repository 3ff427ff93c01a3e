"""The way of a real ssh through other hosts: which command lines it makes of its options, one inside the other."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

STUB = """#!/bin/sh
n=$(ls {seen} | wc -l); printf '%s\\0' "$@" > {seen}/$n
exec {ssh} -F none "$@"
"""


def walked(command: Sequence[str], folder: Path) -> list[list[str]]:
    """The arguments of each ssh that took part, outermost first. The innermost must lead to a closed port here."""
    seen, programs = folder / "seen", folder / "programs"
    for made in (seen, programs):
        made.mkdir()
    stub = programs / "ssh"
    stub.write_text(STUB.format(seen=seen, ssh=shutil.which("ssh")))
    stub.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "SHELL": "/bin/sh"}
    subprocess.run([stub, *command[1:]], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return [(seen / str(number)).read_text().split("\0")[:-1] for number in range(len(list(seen.iterdir())))]
