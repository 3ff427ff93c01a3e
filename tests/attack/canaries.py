"""Canaries: a known secret, in every spelling that `docs/secrets.md` promises to mask, in what services and applies
say. No command shows a part of it that would help anybody.
"""

from __future__ import annotations

import base64
import html
import json
import os
import random
import shlex
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from runner import runs
from runner.redact import Redactor
from tests.attack import base
from tests.attack.report import Report
from tests.attack.shell import Answer, ask
from tests.small import Small

SHOWN = 5
"""Characters at the beginning of a value that may be seen where it comes in pieces."""
LONGEST_REST = 9
"""A shorter piece of a spelling may stand there by accident, such as `canary-` in another canary."""
CANARIES = ("Zq7-Wx9_kT4.mR2~vB8", "pä55 wörd & \"möre\" 'x' \\ <y>%z", "lineone-Qw83hd7s\nlinetwo-Xk29fj4m")
Spelling = Callable[[random.Random, str], str]
SPELLINGS: dict[str, Spelling] = {
    "as it is": lambda dice, text: text,
    "other capitals": lambda dice, text: text.swapcase(),
    "JSON": lambda dice, text: json.dumps(text)[1:-1],
    "JSON, not ASCII": lambda dice, text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda dice, text: json.dumps(json.dumps(text)),
    "Python": lambda dice, text: repr(text),
    "Python bytes": lambda dice, text: repr(text.encode()),
    "octal": lambda dice, text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "C bytes": lambda dice, text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "shell": lambda dice, text: shlex.quote(text),
    "quotes in between": lambda dice, text: "''".join(text),
    "URL": lambda dice, text: quote(text),
    "URL, whole": lambda dice, text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "URL, twice": lambda dice, text: quote(quote(text, safe=""), safe=""),
    "URL, in part": lambda dice, text: "".join(
        f"%{ord(c):02x}" if ord(c) < 128 and dice.random() < 0.5 else quote(c) for c in text
    ),
    "HTML": lambda dice, text: html.escape(text),
    "HTML numbers": lambda dice, text: "".join(f"&#{ord(c)};" for c in text),
    "HTML hex": lambda dice, text: "".join(f"&#x{ord(c):x};" for c in text),
    "hex": lambda dice, text: text.encode().hex(),
    "HEX": lambda dice, text: text.encode().hex().upper(),
    "hex with colons": lambda dice, text: text.encode().hex(":"),
    "hex in groups": lambda dice, text: text.encode().hex(" ", 2),
    "base64": lambda dice, text: base64.b64encode(text.encode()).decode(),
    "base64 in URLs": lambda dice, text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 of a login": lambda dice, text: base64.b64encode(b"user:" + text.encode()).decode(),
    "base64 in something longer": lambda dice, text: base64.b64encode(
        b"u:p"[dice.randrange(4) :] + text.encode() + b"."
    ).decode(),
    "blanks": lambda dice, text: " ".join(text),
    "coloured": lambda dice, text: "\x1b[31m".join(text),
    "wrapped": lambda dice, text: text[:9] + "\n    " + text[9:],
}
_LOOKS = (
    *(("plan",), ("status",), ("status", "web"), ("access", "web"), ("events",), ("events", "web"), ("logs", "web")),
    *(("validate",), ("drift",), ("orphans",), ("history", "web"), ("status", "-o", "wide"), ("templates", "app")),
)
COMMANDS: tuple[tuple[str, ...], ...] = (
    *((*words, *more) for words in _LOOKS for more in ((), ("--json",), ("-v",))),
    ("plan", "--markdown"),
)


def attack(seed: int, tries: int) -> Report:
    """So many commands, each over one spelling in one place; every command meets every spelling in the end."""
    report = Report("canaries", seed)
    dice = report.dice
    pairs = [(words, name) for words in COMMANDS for name in SPELLINGS]
    dice.shuffle(pairs)
    with tempfile.TemporaryDirectory() as folder, base.environment(Path(folder)):
        small = base.lived_in(Path(folder))
        for number in range(tries):
            words, name = pairs[number % len(pairs)]
            canary = dice.choice(CANARIES)
            os.environ["KEY"] = canary
            spelled = SPELLINGS[name](dice, canary)
            _plant(small, canary, spelled)
            answer = ask(small.root, *words)
            report.tried += 1
            for fault in [*answer.faults(), *_seen(answer, spelled)]:
                report.fault(number, f"{name} of {canary!r}: {fault}")
    return report


def _plant(small: Small, canary: str, spelled: str) -> None:
    """In what a service says, and in the events of an apply, which knew the value. What people write in the clear into
    a file that is committed is no secret any more.
    """
    small.write("services/services/web/service.log", f"starts\nsays {spelled} now\n".encode("utf-8", "replace"))
    shutil.rmtree(small.root / ".runner" / "runs")
    redactor = Redactor()
    redactor.add(canary)
    run = runs.start(small.repo, runs.new_id(), redactor)
    event = {"deployment": "web", "kind": "step", "status": "failed", "seconds": 1.0}
    run.event({**event, "step": spelled, "message": f"before {spelled} behind"})
    for line in spelled.splitlines():
        run.event({**event, "kind": "log", "step": "", "message": line})
    run.close()


def _seen(answer: Answer, spelled: str) -> list[str]:
    """A piece of the spelling that is longer than what may be seen. Blanks and line ends tell nothing."""
    bare, said = _bare(spelled), _bare(answer.said)
    for start in range(max(1, len(bare) - LONGEST_REST)):
        piece = bare[start : start + LONGEST_REST + 1]
        if len(piece) > LONGEST_REST and piece in said:
            return [f"{' '.join(answer.words)}: shows {piece!r}"]
    return []


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()
