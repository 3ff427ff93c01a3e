"""Writes what can be derived: `docs/commands.md` (every command's help) and the table of templates in README.md.

`--check` writes nothing and exits with 1 when something is not current.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from runner.cli import cli  # noqa: E402 - after the path is set, so that no installation is needed
from runner.load import read_templates  # noqa: E402
from runner.repo import Repo  # noqa: E402
from tests.e2e import proofs  # noqa: E402

BEGIN, END = "<!-- templates:begin -->", "<!-- templates:end -->"
WIDTH = 100


def commands() -> str:
    """The help of all commands, as `--help` prints it."""
    parts = [
        "# Commands\n\nGenerated from `runner COMMAND --help` by `make generate`. Do not edit.\n",
        _help(cli, "runner", None),
    ]
    context = click.Context(cli, info_name="runner")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if command is not None:
            parts.append(_help(command, name, context))
    return "\n".join(parts)


def _help(command: click.Command, name: str, parent: click.Context | None) -> str:
    context = click.Context(command, info_name=name, parent=parent, max_content_width=WIDTH, terminal_width=WIDTH)
    return f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"


def templates() -> str:
    """A row for each template: what it is, and what the end-to-end tests show of it."""
    found, _ = read_templates(Repo(ROOT))
    rows = ["| template | | GPU | proven with |", "|---|---|---|---|"]
    for key, template in sorted(found.items(), key=lambda item: (item[1].status != "active", item[0])):
        status = "" if template.status == "active" else f", {template.status.replace('_', ' ')}"
        rows.append(f"| `{key}` | {template.name}{status} | {template.requirements.gpu} | {_proven(key)} |")
    shown = ", ".join(proofs.SHOWN)
    return "\n".join(
        [*rows, "", f"Shown of each that was run, by tests that go through all of them on lab hosts: {shown}."]
    )


def _proven(template: str) -> str:
    kind = proofs.kind(template)
    proof = proofs.PROOFS.get(template)
    said = f"{kind}: {proof.note}" if proof and proof.note else kind
    return f"{said}; used by {proofs.REAL[template]}" if template in proofs.REAL else said


def readme() -> str:
    """README.md with a current table."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    return head + BEGIN + "\n" + templates() + "\n" + END + rest.split(END)[1]


def main() -> int:
    """Write, or say what is not current."""
    stale = []
    for path, text in ((ROOT / "docs" / "commands.md", commands()), (ROOT / "README.md", readme())):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if stale:
        print("not current:" if "--check" in sys.argv else "written:", *stale)
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
