"""Words for time: what is none of them is a fault of the file, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner import timing
from tests.small import Small

RIGHT = {
    timing.zone: ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+1", "EST5EDT", "Asia/Ho_Chi_Minh"],
    timing.duration: ["30m", "8h", "1h30m", "90s", "3650d"],
    timing.cron: [
        "0 8 * * 1-5",
        "*/5 * * * *",
        "0 20 * * mon-FRI",
        "0 0 1 jan,jul *",
        "0 8,20 * * 7",
        "0 0 * * sat-sun",
        "1-59/2 * * * *",
    ],
}
WRONG = {
    timing.zone: [
        *("America", "posixrules", "localtime", "Factory", "../x", "/etc/passwd", "", "europe/berlin", "posix/UTC"),
        *("right/UTC", "Europe/", "Europe/Nowhere", "x" * 5000, "A" * 300, "Europe/Berlin/", "UTC\n", "UTC\0", "ÜTC"),
        *("tzdata.zi", "Europe/../UTC", "Europe//Berlin"),
    ],
    timing.duration: [
        "",
        "30",
        "m",
        "0s",
        "0d0h",
        "9" * 5000 + "d",
        "99999999999999d",
        "3661d",
        "٣h",
        "1.5h",
        "-1h",
        "1h ",
    ],
    timing.cron: [
        *("", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8"),
        *(
            "0 8 * * FUNDAY",
            "0 8 * mon *",
            "0 jan * * *",
            "5-1 * * * *",
            "* * * * fri-mon",
            "*/0 * * * *",
            "1- * * * *",
        ),
        *(
            "9" * 5000 + " * * * *",
            "1," * 5000 + "1 * * * *",
            "* * * * " * 5000,
            "٣ * * * *",
            "*-5 * * * *",
            ", * * * *",
        ),
    ],
}


@pytest.mark.parametrize(("check", "value"), [(check, value) for check, values in RIGHT.items() for value in values])
def test_words_for_time_are_taken(check: timing.Word, value: str) -> None:
    assert check(value) == value


@pytest.mark.parametrize(("check", "value"), [(check, value) for check, values in WRONG.items() for value in values])
def test_what_is_no_word_for_time_says_what_would_be(check: timing.Word, value: str) -> None:
    with pytest.raises(ValueError, match=r"such as|e\.g\.") as caught:
        check(value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("lifecycle.schedule.timezone", "lifecycle: {schedule: {timezone: America}}"),
        ("lifecycle.schedule.timezone", "lifecycle: {schedule: {timezone: ../x}}"),
        ("lifecycle.schedule.start", 'lifecycle: {schedule: {start: "0 8 * * FUNDAY"}}'),
        ("lifecycle.ttl", f"lifecycle: {{ttl: {'9' * 5000}d}}"),
        ("hold.until", "hold: {until: 2026-02-30, reason: x}"),
        ("hold.until", "hold: {until: tomorrow, reason: x}"),
        ("access.expose.cidr[0]", "access: {expose: {cidr: [300.1.2.3/24]}}"),
        ("access.expose.cidr[0]", "access: {expose: {cidr: [10.0.0.0/99]}}"),
        ("access.domain", f"access: {{expose: public, domain: {'a' * 300}.example}}"),
    ],
)
def test_wrong_value_is_a_fault_with_file_and_line(tmp_path: Path, field: str, line: str) -> None:
    small = Small(tmp_path / "repo")
    small.deployment("web", f"template: app\n{line}\n")
    [problem] = [p for p in small.load().problems if p.code != "cannot-expose"]
    assert (problem.where, problem.field, bool(problem.message)) == ("deployments/web.yaml:2", field, True)
    assert len(problem.message) < 300


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("45s", 45)])
def test_durations_are_seconds(text: str, expected: int) -> None:
    assert timing.seconds(text) == expected
