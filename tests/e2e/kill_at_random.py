"""Kill the runner at random moments of create, stop, start, replace and destroy, and count what is left:

    python -m tests.e2e.kill_at_random [ROUNDS]

Each kill is followed by one run that is let alone. Prints one JSON line: how many kills, and every time when there were
two machines, an orphan, or no success after one rerun.
"""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.shop import SMALL, SPOT, Shop, opened

RECONCILE = ("reconcile", "--yes", "--allow-destroy")
SECONDS = {"create": 25.0, "stop": 8.0, "start": 20.0, "replace": 30.0, "destroy": 8.0}
"""How long each takes about, on the machine of the lab: a kill comes at any moment of it."""


def main() -> None:
    """Rounds of all five."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    seed = int(time.time())
    dice, faults, done = random.Random(seed), [], 0  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as shop:
        while done < kills:
            for step, longest in SECONDS.items():
                if done < kills:
                    after = dice.uniform(0.5, longest)
                    fault = _killed(shop, step, after)
                    done += 1
                    print(f"{done} {step} after {after:.1f} s: {fault or 'well'}", file=sys.stderr, flush=True)
                    faults += [f"{step} after {after:.1f} s: {fault}"] if fault else []
            shop.world.run("destroy", "word", "--yes")
        left = shop.left()
    print(json.dumps({"kills": done, "seed": seed, "faults": faults, "left": left}))
    sys.exit(bool(faults or left))


def _killed(shop: Shop, step: str, after_s: float) -> str:
    """What is wrong after one kill and one rerun."""
    words = _words(shop, step)
    runner = shop.world.start(*words)
    with contextlib.suppress(subprocess.TimeoutExpired):
        runner.communicate(timeout=after_s)
    if runner.poll() is None:
        shop.kill(runner.pid)
        runner.communicate()
    done = shop.world.run(*words)
    wanted = {"create": ["running"], "start": ["running"], "replace": ["running"], "stop": ["stopped"], "destroy": []}
    states = list(shop.states().values())
    if done.returncode:
        return f"exit {done.returncode}: {done.stdout[-300:]} {done.stderr[-600:]}"
    if states != wanted[step]:
        return f"machines: {states}"
    return f"left: {shop.left()}" if step == "destroy" and shop.left() else ""


def _words(shop: Shop, step: str) -> tuple[str, ...]:
    if step in ("create", "replace"):
        shop.write("word", SMALL if step == "create" else SPOT)
        return RECONCILE
    return (step, "word", "--yes") if step == "destroy" else (step, "word")


if __name__ == "__main__":
    main()
