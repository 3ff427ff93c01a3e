"""The log of a service that is followed while supervisord rotates it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.engines import process


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "services" / "web"
    folder.mkdir(parents=True)
    path = folder / "service.log"
    path.write_text("one\ntwo\nthree\n")
    return path


def rename(log: Path) -> None:
    log.rename(log.with_suffix(".log.1"))
    log.write_text("four\n")


def truncate(log: Path) -> None:
    log.write_text("four\n")


@pytest.mark.parametrize("rotate", [rename, truncate])
def test_following_goes_on_in_the_new_log(log: Path, tmp_path: Path, rotate: Callable[[Path], None]) -> None:
    lines = process.log_lines(tmp_path, "web", follow=True, lines=2)
    assert list(itertools.islice(lines, 2)) == ["two", "three"]
    rotate(log)
    assert next(lines) == "four"
    with log.open("a") as stream:
        stream.write("five\n")
    assert next(lines) == "five"


def test_without_following_it_ends(log: Path, tmp_path: Path) -> None:
    assert list(process.log_lines(tmp_path, "web", follow=False, lines=1)) == ["three"]
    log.unlink()
    assert list(process.log_lines(tmp_path, "web", follow=False, lines=1)) == []
