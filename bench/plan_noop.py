"""How long it takes to find that nothing is to be done: `runner validate` and `runner plan` over N deployments, with
and without the parse cache, against `terraform plan` over N `terraform_data` resources that say the same.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench._measure import (
    PYTHON,
    ROOT,
    RUNNER,
    Sample,
    alternate,
    compare,
    emit,
    environment,
    load_now,
    note,
    run,
    summary,
)

SIZES = (10, 100, 1_000, 10_000)
LARGEST_PEER = 1_000
"""Terraform's time grows faster than N."""
TERRAFORM = shutil.which("terraform")


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="python -m bench.plan_noop", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="10 deployments, one sample: does the benchmark itself work?"
    )
    parser.add_argument("--samples", type=int, default=7)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    options = parser.parse_args()
    sizes, samples = ([10], 1) if options.quick else (options.sizes, options.samples)
    load_before = load_now()
    taken = {count: _measure(count, samples) for count in sizes}
    emit(
        "plan_noop",
        load_before=load_before,
        parameters={"sizes": sizes, "samples": samples, "largest_peer": LARGEST_PEER},
        sides={str(n): {name: summary(found) for name, found in sides.items()} for n, sides in taken.items()},
        ratios={
            str(n): {
                f"terraform / {ours}": compare(sides["terraform plan"], sides[ours])
                for ours in ("plan cold", "plan warm")
            }
            for n, sides in taken.items()
            if "terraform plan" in sides
        },
    )


def _measure(count: int, samples: int) -> dict[str, list[Sample]]:
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        root = Path(folder)
        note(f"{count} deployments")
        run([PYTHON, "-m", "bench._fleet", folder, str(count)], cwd=ROOT)
        sides = _ours(root, count)
        if TERRAFORM and count <= LARGEST_PEER:
            sides["terraform plan"] = _terraform(root / "terraform")
        return alternate(sides, samples)


def _ours(root: Path, count: int) -> dict[str, Callable[[], Sample]]:
    """Warm runs come right after cold ones, which write the cache anew."""
    cache = root / ".runner" / "cache"

    def cold(command: str) -> Sample:
        shutil.rmtree(cache, ignore_errors=True)
        return run([RUNNER, command], cwd=root)

    def warm(command: str) -> Sample:
        assert any(cache.iterdir())
        return run([RUNNER, command], cwd=root)

    _prove_no_op(root, count)
    return {
        "validate cold": partial(cold, "validate"),
        "validate warm": partial(warm, "validate"),
        "plan cold": partial(cold, "plan"),
        "plan warm": partial(warm, "plan"),
    }


def _prove_no_op(root: Path, count: int) -> None:
    """Every deployment was looked at, and nothing is to be done for any of them."""
    shown = subprocess.run([RUNNER, "plan", "--json"], cwd=root, env=environment(), capture_output=True, check=True)
    assert json.loads(shown.stdout)["summary"]["none"] == count


def _terraform(folder: Path) -> Callable[[], Sample]:
    """Applied once; `-detailed-exitcode` makes the plan fail unless there is nothing to do."""
    env = environment(CHECKPOINT_DISABLE="1", TF_IN_AUTOMATION="1")
    for words in (["init"], ["apply", "-auto-approve"]):
        run([str(TERRAFORM), *words, "-input=false", "-no-color"], cwd=folder, env=env)
    return partial(
        run, [str(TERRAFORM), "plan", "-input=false", "-no-color", "-detailed-exitcode"], cwd=folder, env=env
    )


if __name__ == "__main__":
    main()
