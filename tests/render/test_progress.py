"""An apply while it runs: on a terminal, in a log, and with --json."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.domain import Action, Kind
from runner.redact import Redactor
from runner.render.output import Output
from runner.render.progress import Progress, make_progress
from runner.render.progress_frame import frame
from runner.render.progress_state import State
from runner.render.style import Style
from runner.render.text import width
from tests.render.samples import event

ROOT = Path(__file__).parents[2]
PLANNED = [Action(name, "local", Kind.CREATE, "new") for name in ("notebook", "chat")]
STEP = "Ensure the image is pulled"


def result(name: str, status: str, **more: Any) -> dict[str, Any]:
    return event(name, "", status, kind="result", **more)


HISTORY = [
    event("notebook", "Ensure uv is installed", "started"),
    event("notebook", "Ensure uv is installed", "ok", seconds=0.8),
    event("notebook", "Install JupyterLab", "changed", seconds=2.1),
    event("chat", STEP, "started"),
    event("chat", STEP, "", kind="log", message="33% with hunter22\n\x1b[2J66%"),
    event("chat", "Ensure nothing", "skipped"),
    event("chat", STEP, "failed", seconds=41.0, message="no space left"),
    result("notebook", "changed", seconds=123.0, message="http://127.0.0.1:8888"),
    result("chat", "failed", message="no space left", hint="docker system prune"),
]


def run(*events: dict[str, Any], json: bool = False, verbosity: int = 0) -> Progress:
    redactor = Redactor()
    redactor.add("hunter22")
    with make_progress(Output(json, False, verbosity, redactor), PLANNED) as progress:
        for one in events:
            progress.handle(one)
    return progress


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out, err = capsys.readouterr()
    assert out == ""
    return [re.sub(r"^ +\d+\.\ds", "0.0s", line) for line in err.splitlines()]


def test_a_log_gets_one_line_for_each_step_and_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    run(*HISTORY)
    assert said(capsys) == [
        "0.0s notebook  ✓ Ensure uv is installed (0.8s)",
        "0.0s notebook  ✓ Install JupyterLab (2.1s)",
        "0.0s chat      ✗ Ensure the image is pulled (41s): no space left",
        "0.0s notebook  ✓ changed (2m 03s): http://127.0.0.1:8888",
        "0.0s chat      ✗ failed",
        "",
        "  DEPLOYMENT  RESULT     TIME",
        "✓ notebook    changed  2m 03s  http://127.0.0.1:8888",
        "✗ chat        failed     0.0s",
        "  └ no space left",
        "    → docker system prune",
        "",
        "  see what happened  runner events chat",
        "  use it             runner access notebook",
    ]


def test_verbose_adds_beginnings_skips_and_the_log_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    run(*HISTORY, verbosity=1)
    lines = said(capsys)
    assert "0.0s chat      · Ensure the image is pulled" in lines
    assert "0.0s chat      – Ensure nothing" in lines
    assert "0.0s chat      │ 33% with •••" in lines
    assert "0.0s chat      │ ^[[2J66%" in lines


def test_quiet_says_what_failed_only(capsys: pytest.CaptureFixture[str]) -> None:
    run(*HISTORY, verbosity=-1)
    assert said(capsys) == ["! chat failed: no space left"]


def test_json_is_silent_unless_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    run(*HISTORY, json=True)
    assert said(capsys) == []
    run(*HISTORY, json=True, verbosity=1)
    assert "0.0s notebook  ✓ Install JupyterLab (2.1s)" in said(capsys)


def test_results_come_back_as_data() -> None:
    progress = run(HISTORY[2], HISTORY[7], json=True)
    notebook, chat = progress.results
    assert notebook == {
        "deployment": "notebook",
        "action": "create",
        "result": "changed",
        "seconds": 123.0,
        "url": "http://127.0.0.1:8888",
        "error": "",
        "hint": "",
        "log": "",
    }
    assert chat["result"] == "skipped"


def test_what_did_not_end_was_interrupted_and_its_error_is_kept() -> None:
    progress = run(event("chat", STEP, "started"), event("notebook", STEP, "failed", message="no"), json=True)
    assert [row["result"] for row in progress.results] == ["interrupted", "interrupted"]
    assert progress.results[0]["error"] == f"{STEP}: no"


def test_a_failure_without_a_message_names_its_step() -> None:
    progress = run(event("chat", STEP, "unreachable"), result("chat", "unreachable"), json=True)
    assert (progress.results[1]["result"], progress.results[1]["error"]) == ("unreachable", STEP)


def test_an_interrupt_is_passed_on_with_a_word_of_comfort(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), make_progress(Output(False, False, 0, Redactor()), PLANNED):
        raise KeyboardInterrupt
    assert said(capsys)[-1] == "! Interrupted. Nothing is lost: the same command goes on from here."


def test_events_of_no_deployment_and_of_unknown_ones_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    run(event("", "Wait for the lock", "ok"), event("late", STEP, "ok"))
    lines = said(capsys)
    assert lines[0].split() == ["0.0s", "✓", "Wait", "for", "the", "lock"]
    assert any(line.startswith("○ late") for line in lines)


def busy(count: int, running: int, done: int, failed: int) -> State:
    state = State([(f"deployment-{number}", "create") for number in range(count)], now=0.0)
    for number, name in enumerate(list(state.tracks)[: running + done + failed]):
        for step in range(8):
            state.apply(event(name, f"Step {step}", "changed", seconds=1.0), now=5.0)
        state.apply(event(name, "Long step with a name that needs a lot of room on the screen", "started"), now=9.0)
        state.apply(event(name, "", "", kind="log", message=f"line {number} " + "x" * 200), now=9.0)
        if number >= running:
            status = "changed" if number < running + done else "failed"
            state.apply(result(name, status, seconds=9.0, message="http://127.0.0.1:1"), now=9.0)
    return state


@given(st.tuples(*[st.integers(0, 20)] * 4), st.integers(1, 60), st.integers(20, 160), st.integers(0, 15))
@settings(deadline=None)
def test_the_picture_always_fits(counts: tuple[int, int, int, int], height: int, cells: int, logs: int) -> None:
    state = busy(sum(counts), *counts[:3])
    lines = frame(state, style=Style(width=cells, color=True), height=height, now=10.0, logs=logs)
    assert len(lines) <= height
    assert all(width(line) < cells for line in lines)


def picture(state: State, height: int) -> list[str]:
    return frame(state, style=Style(width=60), height=height, now=10.0, logs=2)


def test_few_deployments_show_their_steps() -> None:
    state = busy(2, 1, 0, 0)
    assert picture(state, 20)[:5] == [
        "Applying 2 deployments                                  10s",
        "",
        "⠋ deployment-0     5.0s",
        "    ✓ Step 0                                           1.0s",
        "    ✓ Step 1                                           1.0s",
    ]
    assert picture(state, 20)[11:] == [
        "    ⠋ Long step with a name that needs a lot of room…  1.0s",
        "○ deployment-1           waiting",
        "",
        "deployment-0 │ line 0 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…",
    ]


def test_many_deployments_fold_who_is_done_and_who_waits() -> None:
    lines = picture(busy(60, 4, 30, 1), 14)
    assert lines[0].startswith("Applying 60 deployments · 30 done · 1 failed")
    assert lines[2].startswith("✓ 30 done  deployment-4, ")
    assert sum(line.startswith("⠋ ") for line in lines) == 4
    assert sum(line.startswith("✗ ") for line in lines) == 1
    assert any(line.startswith("○ 25 waiting") for line in lines)


def test_the_terminal_is_given_back_after_an_interrupt() -> None:
    code = (
        "import time; from runner.domain import Action, Kind; from runner.redact import Redactor\n"
        "from runner.render.output import Output; from runner.render.progress import make_progress\n"
        "redactor = Redactor(); redactor.add('hunter22'); output = Output(False, None, 0, redactor)\n"
        "step = {'deployment': 'chat', 'kind': 'step', 'step': 'Pull', 'status': 'started', 'seconds': None}\n"
        "with make_progress(output, [Action('chat', 'local', Kind.CREATE, 'new')]) as progress:\n"
        "    progress.handle({**step, 'message': ''})\n"
        "    progress.handle({**step, 'kind': 'log', 'message': 'with hunter22'})\n"
        "    output.note('said meanwhile'); time.sleep(30)\n"
    )
    controller, terminal = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    child = subprocess.Popen([sys.executable, "-c", code], stdin=terminal, stdout=terminal, stderr=terminal, env=env)
    os.close(terminal)
    seen = read(controller, until=b"\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2")
    child.send_signal(signal.SIGINT)
    seen += read(controller, until=b"KeyboardInterrupt\r\n")
    child.wait(10)
    os.close(controller)
    text = seen.decode()
    assert "\x1b[?25l" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "said meanwhile" in text
    assert "Applying 1 deployment" in text
    assert "hunter22" not in text.split("Traceback")[0]
    assert "interrupted" in text[text.rindex("\x1b[?25h") :]
    assert "the same command goes on from here" in text


def read(controller: int, until: bytes, limit_s: float = 20) -> bytes:
    seen, end = b"", time.monotonic() + limit_s
    while until not in seen and time.monotonic() < end:
        try:
            seen += os.read(controller, 4096)
        except OSError:  # Linux says EIO when the other side is closed
            break
    return seen


def test_log_of_what_failed_stands_once_and_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    log = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: no'
    failed = event("chat", STEP, "failed", message="it ended: ValueError: no\nand more", log=log)
    run(failed, result("chat", "failed", message="it ended: ValueError: no\nand more", hint="look"))
    lines = said(capsys)
    assert lines[:2] == [f"0.0s chat      ✗ {STEP}: it ended: ValueError: no", "0.0s chat      ✗ failed"]
    table = lines[next(number for number, line in enumerate(lines) if line.startswith("✗ chat")) :]
    assert [line for line in lines if "Traceback" in line] == ["    │ Traceback (most recent call last):"]
    assert table[1:7] == [
        "  └ it ended: ValueError: no",
        "    and more",
        "    → look",
        "    │ Traceback (most recent call last):",
        '    │   File "a.py", line 1',
        "    │ ValueError: no",
    ]
