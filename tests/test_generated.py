"""The one writer: all or nothing, and nothing when nothing changes."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner import generated


def test_write_says_whether_it_changed_anything(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file"
    assert generated.write(path, "é\n") is True
    before = path.stat()
    assert generated.write(path, "é\n") is False
    assert path.stat() == before
    assert generated.write(path, "ü\n") is True
    assert path.read_bytes() == "ü\n".encode()


def test_line_ends_are_written_as_they_are(tmp_path: Path) -> None:
    generated.write(tmp_path / "file", "a\r\nb\n")
    assert (tmp_path / "file").read_bytes() == b"a\r\nb\n"


def test_secret_files_are_private_from_the_first_byte(tmp_path: Path) -> None:
    generated.write(tmp_path / "file", "x", mode=0o600)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    generated.write(path, "old")
    with pytest.raises(UnicodeEncodeError):
        generated.write(path, "\ud800")
    target = tmp_path / "folder"
    (target / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        generated.write(target, "x")
    assert path.read_text() == "old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


def test_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """Whoever opened the old file goes on reading the old file."""
    path = tmp_path / "file"
    generated.write(path, "old" * 1000)
    with path.open() as reader:
        generated.write(path, "new")
        assert reader.read() == "old" * 1000
    assert path.read_text() == "new"


def test_threads_may_write_the_same_file_at_once(tmp_path: Path) -> None:
    texts = [f"{number}\n" * 1000 for number in range(8)]
    with ThreadPoolExecutor(len(texts)) as pool:
        for _ in range(5):
            list(pool.map(lambda text: generated.write(tmp_path / "file", text), texts))
    assert (tmp_path / "file").read_text() in texts
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_remove_takes_an_empty_folder_with_it(tmp_path: Path) -> None:
    generated.write(tmp_path / "a" / "one", "x")
    generated.write(tmp_path / "a" / "two", "x")
    assert generated.remove(tmp_path / "a" / "one") is True
    assert (tmp_path / "a" / "two").exists()
    assert generated.remove(tmp_path / "a" / "two") is True
    assert not (tmp_path / "a").exists()
    assert generated.remove(tmp_path / "a" / "two") is False
