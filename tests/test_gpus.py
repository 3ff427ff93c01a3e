"""What is known of GPUs by their name."""

from __future__ import annotations

import pytest

from runner import gpus


@pytest.mark.parametrize(
    ("name", "memory"), [("L4", 24), ("rtx-a6000", 48), ("A100 40GB", 40), ("A100", 0), ("Banana", 0), ("", 0)]
)
def test_memory_by_name(name: str, memory: int) -> None:
    assert gpus.memory_gb(name) == memory


@pytest.mark.parametrize(
    ("vram", "said"),
    [
        (1, "T4 (16 GB)"),
        (16, "T4 (16 GB)"),
        (16.5, "L4 (24 GB)"),
        (48, "L40S (48 GB)"),
        (141, "H200 (141 GB)"),
        (142, "2 x H200 (282 GB)"),
        (400, "4 x H200 (564 GB)"),
    ],
)
def test_smallest_that_has_it(vram: float, said: str) -> None:
    assert gpus.smallest(vram) == said


def test_table_begins_with_the_smallest() -> None:
    assert list(gpus.MEMORY_GB.values()) == sorted(gpus.MEMORY_GB.values())
