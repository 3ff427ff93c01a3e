"""Damaged states: whatever stands where this program reads back what it wrote, commands name the file and its cure."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.attack import base, mutate
from tests.attack.report import Report
from tests.attack.shell import Answer, ask

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("status", "--json"),
    ("status", "web"),
    ("plan", "--json"),
    ("plan",),
    ("validate",),
    ("access", "web"),
    ("access", "web", "--json"),
    ("access", "web", "--show-secrets"),
    ("events", "web"),
    ("events", "--json"),
    ("history", "web"),
    ("orphans",),
    ("logs", "web"),
    ("unlock", "other"),
    ("drift", "--json"),
)
Damage = Callable[[random.Random, str], bytes]


def _json_value(dice: random.Random, text: str) -> bytes:
    """Another value anywhere inside; text that is no JSON gets an accident instead."""
    start = text.find("{")
    body = text[start:].replace("!unsafe ", "", 1) if start >= 0 else ""
    try:
        data = json.loads(body.splitlines()[0] if text.count("\n{") > 1 else body)
    except ValueError:
        return mutate.changed(dice, text)
    holder, key = dice.choice(list(_places(data)))
    holder[key] = dice.choice(VALUES)
    new = json.dumps(data, indent=2)
    if "!unsafe " in text:
        new = new.replace('"slipway_record": ', '"slipway_record": !unsafe ', 1)
    return (text[:start] + new + "\n").encode("utf-8", "surrogatepass")


def _places(data: object) -> list[tuple[dict, object]]:
    found: list[tuple[dict, object]] = []
    if isinstance(data, dict):
        found += [(data, key) for key in data]
        for value in data.values():
            found += _places(value)
    return found or [({}, "x")]


VALUES: list[object] = [
    *(
        None,
        True,
        -1,
        0,
        1e308,
        10**30,
        "",
        "x" * 5_000,
        [],
        {},
        [None],
        {"": None},
        [[[[]]]],
        "\x00",
        "\x1b[2J",
        "\ud800",
    ),
    *("../../../x", "-oProxyCommand=x", "a\nb", "{{ 7*7 }}", "<script>", "9999-99-99", "NaN", {"a": {"a": {"a": {}}}}),
]
DAMAGES: list[Damage] = [
    _json_value,
    _json_value,
    _json_value,
    mutate.changed,
    mutate.changed,
    lambda dice, text: text[: dice.randrange(len(text) + 1)].encode("utf-8", "surrogatepass"),
    lambda dice, text: dice.choice((b"", b"null", b"[]", b"{}", b'"x"', b"1", b"\x00" * 64, b"\xff" * 64, b"NaN")),
    lambda dice, text: b"[" * dice.choice((100, 100_000)),
    lambda dice, text: b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    lambda dice, text: text.encode("utf-8", "surrogatepass") * 50,
]
"""Of what stands in a file."""


def _odd(dice: random.Random, path: Path) -> str:
    """Something else in the place of a file."""
    path.unlink()
    kind = dice.choice(("folder", "link", "loop", "gone"))
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("/dev/null")
    elif kind == "loop":
        path.symlink_to(path)
    return kind


def attack(seed: int, tries: int) -> Report:
    """So many damages, one at a time, each met by one command."""
    report = Report("states", seed)
    dice = report.dice
    with tempfile.TemporaryDirectory() as folder, base.environment(Path(folder)):
        small = base.lived_in(Path(folder))
        kept, places = Path(folder) / "kept", (small.root, Path(folder) / "data")
        for place in places:
            shutil.copytree(place, kept / place.name, symlinks=True)
        files = sorted(path.relative_to(folder) for place in places for path in place.rglob("*") if _ours(path))
        for number in range(tries):
            path = Path(folder) / dice.choice(files)
            words = dice.choice(COMMANDS)
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            if dice.random() < 0.05:
                how = _odd(dice, path)
            else:
                how = "content"
                path.write_bytes(dice.choice(DAMAGES)(dice, text))
            answer = ask(small.root, *words)
            report.tried += 1
            report.figures[f"exit {answer.code}"] += 1
            for fault in [*answer.faults(), *_silent(answer), *_stopped(answer, path)]:
                report.fault(number, f"{path.relative_to(folder)} ({how}): {fault}")
            for place in places:
                shutil.rmtree(place)
                shutil.copytree(kept / place.name, place, symlinks=True)
    return report


def _ours(path: Path) -> bool:
    """What this program writes and reads back; files of people are the matter of `files`."""
    return path.is_file() and not path.is_symlink() and path.parent.name != "templates" and path.suffix != ".lock"


def _silent(answer: Answer) -> list[str]:
    return [f"{' '.join(answer.words)}: fails without a word"] if answer.code and not answer.said.strip() else []


def _stopped(answer: Answer, path: Path) -> list[str]:
    """One deployment's damage is not the others' business."""
    listing = answer.words[0] in ("status", "plan") and answer.words[-1] == "--json"
    if not listing or "web" not in path.parts or "other" in answer.out:
        return []
    return [f"{' '.join(answer.words)}: says nothing of the other deployment: {answer.said[:120]!r}"]
