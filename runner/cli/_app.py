"""What all commands share: the repository, the output, and the options that several of them have."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import click

from runner import repo as repository
from runner import timing
from runner.cli import _complete
from runner.redact import Redactor
from runner.render.output import Output
from runner.repo import Repo
from runner.workflow import Selection

_DURATION = re.compile(r"([0-9]+[smhd])+|[0-9]+")


class App:
    """One call of the command."""

    latest: ClassVar[App | None] = None
    """So that an error is printed the way the call asked for."""

    def __init__(self, *, root: str | None, json: bool, color: bool | None, verbosity: int) -> None:
        self._root = root
        self.begun = False
        """Whether an apply has touched anything."""
        self.redactor = Redactor()
        self.output = Output(json=json, color=color, verbosity=verbosity, redactor=self.redactor)
        App.latest = self

    @cached_property
    def repo(self) -> Repo:
        """The repository. Raises UsageError when there is none."""
        return repository.find(Path(self._root) if self._root else None)


class Duration(click.ParamType[float]):
    """`90s`, `15m`, `1h30m`: seconds inside."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        if isinstance(value, int | float):
            return float(value)
        if not _DURATION.fullmatch(value):
            self.fail(f"{value!r} is not a duration such as 90s, 15m or 1h30m", param, ctx)
        return float(value if value.isdecimal() else timing.seconds(value))


name_argument = click.argument("name", shell_complete=_complete.deployments)
names_argument = click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=_complete.deployments)
exclude_option = click.option(
    "--exclude",
    multiple=True,
    metavar="NAME",
    help="Leave this one out; may be repeated.",
    shell_complete=_complete.deployments,
)
wait_option = click.option(
    "--wait", "wait_s", type=Duration(), default=0.0, metavar="TIME", help="Wait this long for a lock, e.g. 15m."
)
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


def selection(names: tuple[str, ...], exclude: tuple[str, ...]) -> Selection:
    """From the command line."""
    return Selection(tuple(dict.fromkeys(names)), tuple(dict.fromkeys(exclude)))
