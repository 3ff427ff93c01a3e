"""Print what makes a shell complete commands, names, templates and hosts."""

from __future__ import annotations

import os

import click

from runner.cli._app import App
from runner.errors import UsageError

GROUP = "Set up"
SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_RUNNER_COMPLETE"


@click.command()
@click.argument("shell", required=False, type=click.Choice(SHELLS))
@click.pass_obj
def command(app: App, shell: str | None) -> int:
    """Print the completion script of a shell; default: the shell of $SHELL.

    \b
    bash: eval "$(runner completion bash)"          in ~/.bashrc
    zsh:  eval "$(runner completion zsh)"           in ~/.zshrc
    fish: runner completion fish | source           in ~/.config/fish/config.fish
    """  # noqa: D301 - click looks for the backspace: what follows is not wrapped
    from click.shell_completion import get_completion_class

    from runner.cli import cli

    chosen = shell or os.path.basename(os.environ.get("SHELL", ""))  # noqa: PTH119 - a word, no path of ours
    completion = get_completion_class(chosen) if chosen in SHELLS else None
    if completion is None:
        raise UsageError("which shell?", code="unknown-shell", hint=f"give one of: {', '.join(SHELLS)}")
    script = completion(cli, {}, "runner", VARIABLE).source()
    app.output.result({"shell": chosen, "script": script}, lambda: script)
    return 0
