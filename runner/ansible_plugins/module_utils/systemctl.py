"""Units of systemd, by systemctl. Standard library only; what runs a command is handed in."""

from __future__ import annotations

from typing import Any, Callable, List, Sequence, Tuple

Run = Callable[[Sequence[str]], Tuple[int, str, str]]


class UnitError(Exception):
    """systemd did not do it; the message has its words."""


class Units:
    """All units of the host."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def active(self, unit: str) -> bool:
        """Does it run, now."""
        return not self._run(["systemctl", "is-active", "--quiet", unit])[0]

    def enabled(self, unit: str) -> bool:
        """Is it started at boot."""
        return not self._run(["systemctl", "is-enabled", "--quiet", unit])[0]

    def known(self, unit: str) -> bool:
        """Is there one of this name, running or not."""
        return not self._run(["systemctl", "cat", unit])[0]

    def must(self, *words: str) -> None:
        """Do what the words say. Raises UnitError."""
        code, out, err = self._run(["systemctl", *words])
        if code:
            raise UnitError("systemctl %s: %s" % (" ".join(words), (err or out).strip() or "exit code %d" % code))

    def forget_failures(self, unit: str) -> None:
        """systemd refuses a unit that was started too often within a minute; it need not have failed."""
        self._run(["systemctl", "reset-failed", unit])

    def log(self, unit: str, lines: int) -> List[str]:
        """The end of its journal."""
        words: List[Any] = ["journalctl", "--unit", unit, "--lines", str(lines), "--output=cat", "--no-pager"]
        return [line for line in self._run(words)[1].splitlines() if line.strip()]
