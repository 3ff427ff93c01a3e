"""The command line. A command is a file in this package: its name is the command's, the first line of its docstring
is the short help, `GROUP` its heading in the list, and it holds one click command named `command`. Nothing is imported
before it is needed.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner import signals

if TYPE_CHECKING:
    from runner.cli._app import App

_FOLDER = Path(__file__).parent
_FIRST_LINE = re.compile(r'"""(.+?)(?:"""|\n)')
_GROUP = re.compile(r'^GROUP = "(.+)"$', re.MULTILINE)
_GROUPS = ("Deploy", "Use", "Look", "Choose", "Set up")
"""The order of the headings; any other comes after them."""
INTERRUPTED = signals.EXIT


class Commands(click.Group):
    """Finds commands by scanning the folder; `--help` reads their first lines without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, sorted."""
        del ctx
        return sorted(path.stem for path in _FOLDER.glob("[a-z]*.py"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"runner.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The tables of `runner --help`, one for each group."""
        groups: dict[str, list[tuple[str, str]]] = {group: [] for group in _GROUPS}
        for name in self.list_commands(ctx):
            group, short = _about(name)
            groups.setdefault(group, []).append((name, short))
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl(rows)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """A mistyped command gets a suggestion."""
        name = args[0] if args else ""
        if name and not (ctx.resilient_parsing or name.startswith("-")) and name not in self.list_commands(ctx):
            from runner.errors import UsageError
            from runner.faults import suggestion

            hint = suggestion(name, self.list_commands(ctx), otherwise="see: runner --help")
            raise UsageError(f"there is no command {name}", code="unknown-command", hint=hint)
        return super().resolve_command(ctx, args)


def _about(name: str) -> tuple[str, str]:
    """(group, short help), read from its file: importing all commands would cost more than the list."""
    text = (_FOLDER / f"{name}.py").read_text(encoding="utf-8")
    group, short = _GROUP.search(text), _FIRST_LINE.search(text)
    return group.group(1) if group else "More", short.group(1).rstrip(".") if short else ""


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--root", metavar="DIR", help="The repository; default: the one around the current folder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.option("--color/--no-color", default=None, help="Colours; default: when it is a terminal.")
@click.option("-v", "--verbose", count=True, help="Say more.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what was asked for.")
@click.pass_context
def cli(ctx: click.Context, root: str | None, as_json: bool, color: bool | None, verbose: int, quiet: bool) -> None:
    """Slipway: GPU services declared as YAML files in deployments/, planned, applied and proven healthy.

    \b
    Exit codes: 0 done or nothing to do, 1 failed, 2 changes pending (plan, drift),
    3 wrong usage or invalid files, 4 blocked by lock, policy or protection, 130 interrupted.
    """  # noqa: D301 - click looks for the backspace: what follows is not wrapped
    from runner.cli._app import App

    ctx.obj = App(root=root, json=as_json, color=color, verbosity=-1 if quiet else verbose)


def main(arguments: list[str] | None = None) -> None:
    """Entry point. One of the two places that catch RunnerError; anything else that escapes is a bug."""
    given = sys.argv[1:] if arguments is None else arguments
    _open_streams()
    try:
        with signals.caught(signals.interrupt):
            code = cli.main(args=_global_options_first(given), prog_name="runner", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        if arguments is None:
            signals.leave()  # Python's own end takes its time, waits for threads, and can be interrupted again
        code = INTERRUPTED
    except SystemExit:  # click's way to say that nobody reads the help any more
        code = 0
    except Exception as error:  # noqa: BLE001 - _report raises it again when it is a bug
        code = _report(error, given)
    sys.exit(code if isinstance(code, int) else 0)


def _open_streams() -> None:
    """Where the caller has closed one of the three streams, nothing comes from it or goes to it; otherwise the next
    file that is opened would take its number, and be written to.
    """
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    import os

    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004 - standard error
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open


def _global_options_first(arguments: list[str]) -> list[str]:
    """`runner plan --json` works like `runner --json plan`: every command has --json, -q, -v and --no-color."""
    everywhere = {"--json", "--color", "--no-color", "-q", "--quiet", "-v", "--verbose"}
    end = arguments.index("--") if "--" in arguments else len(arguments)
    head = [word for word in arguments[:end] if word in everywhere]
    rest = [word for word in arguments[:end] if word not in everywhere]
    if rest[:1] == ["--version"]:  # what people type first
        rest[0] = "version"
    return [*head, *rest, *arguments[end:]]


def _report(error: Exception, arguments: list[str]) -> int:
    from runner.cli._app import App
    from runner.errors import Problem, RunnerError, UsageError

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    quiet = -1 if {"-q", "--quiet"} & set(arguments) else 0
    app: App = App.latest or App(
        root=None, json="--json" in arguments, color=False if "--no-color" in arguments else None, verbosity=quiet
    )
    if isinstance(error, RunnerError):
        app.output.problems(error.problems)
        return error.exit_code
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and not app.output.json:
        app.output.show(error.format_message())
        return UsageError.exit_code
    if isinstance(error, click.ClickException):
        hint = f"see: {error.ctx.command_path} --help" if isinstance(error, click.UsageError) and error.ctx else ""
        app.output.problems([Problem("usage", error.format_message(), hint=hint)])
        return UsageError.exit_code
    if isinstance(error, OSError) and error.strerror:
        where = str(error.filename or "")
        message = f"{where}: {error.strerror}" if where else error.strerror
        app.output.problems(
            [Problem("cannot-access", message, hint="check that it exists, its permissions and free space")]
        )
        return 1
    raise error
