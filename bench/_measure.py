"""What the benchmarks share: run a command and say what it took, alternate sides, print one JSON line.

Nothing of `runner` is imported here: on Linux a child's peak memory includes that of the process it was forked from.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
RUNNER = str(Path(PYTHON).with_name("runner"))
UV = str(Path(PYTHON).with_name("uv"))
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway-bench"
"""What peers need and is made once; outside of the repository."""

_NOT_OURS = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPATH", "VIRTUAL_ENV", "CI", "FORCE_COLOR", "COLUMNS")


@dataclass(frozen=True)
class Sample:
    """What one run of one side took."""

    seconds: float
    cpu_s: float = 0.0
    """Of the process and of all descendants that it waited for."""
    peak_mb: float = 0.0
    """Of the largest of them."""


class CommandFailed(Exception):
    """A side of a benchmark did not do what it was asked for: there is nothing to compare."""


def environment(**more: str) -> dict[str, str]:
    """The caller's, without what would slow one side down or colour its output. Byte code is written and used."""
    return {**{key: value for key, value in os.environ.items() if key not in _NOT_OURS}, "NO_COLOR": "1", **more}


def run(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Sample:
    """One run, from before the fork to after the wait. Raises CommandFailed with the end of what was said."""
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            argv, cwd=cwd, env=environment() if env is None else env, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            raise CommandFailed(
                f"{' '.join(argv)}: exit {process.returncode}\n{said.read()[-2000:].decode(errors='replace')}"
            )
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def peer(requirement: str, program: str) -> str:
    """Path of a neighbour's program, in an environment of its own with the same Python; empty when it cannot be had."""
    venv = CACHE / requirement
    path = venv / "bin" / program
    if not path.exists():
        note(f"installing {requirement} into {venv}")
        try:
            run([UV, "venv", "--quiet", "--clear", "--no-project", "--python", PYTHON, str(venv)])
            run([UV, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), requirement])
        except CommandFailed as failure:
            note(f"{requirement} is left out: {failure}")
            return ""
    return str(path)


def alternate(sides: Mapping[str, Callable[[], Sample]], samples: int, warm_ups: int = 1) -> dict[str, list[Sample]]:
    """Samples of every side, in turns, so that whatever else the machine does meets all of them alike."""
    taken: dict[str, list[Sample]] = {name: [] for name in sides}
    for turn in range(-warm_ups, samples):
        for name, side in sides.items():
            sample = side()
            if turn >= 0:
                taken[name].append(sample)
    return taken


def summary(samples: Sequence[Sample]) -> dict[str, float | int]:
    """Median and spread."""
    seconds = sorted(sample.seconds for sample in samples)
    return {
        "n": len(samples),
        "median_s": round(median(seconds), 4),
        "min_s": round(seconds[0], 4),
        "max_s": round(seconds[-1], 4),
        "cpu_s": round(median(sample.cpu_s for sample in samples), 4),
        "peak_mb": round(median(sample.peak_mb for sample in samples), 1),
    }


def compare(one: Sequence[Sample], other: Sequence[Sample]) -> dict[str, float]:
    """How many times as much the one took, by medians. CPU time is what a busy machine distorts least."""
    return {
        "time": round(median(s.seconds for s in one) / median(s.seconds for s in other), 2),
        "cpu": round(median(s.cpu_s for s in one) / median(s.cpu_s for s in other), 2),
    }


def emit(name: str, *, load_before: float, parameters: Mapping[str, Any], **results: Any) -> None:
    """The one JSON line of a benchmark."""
    line = {
        "benchmark": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": machine(load_before),
        "parameters": dict(parameters),
        **results,
    }
    print(json.dumps(line))


def load_now() -> float:
    """Load average of the last minute. Take it before the benchmark makes load itself."""
    return round(os.getloadavg()[0], 2)


def machine(load_before: float) -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "load_before": load_before,
    }


def note(text: str) -> None:
    """Progress for whoever waits; standard output is for the one line."""
    print(text, file=sys.stderr)


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
