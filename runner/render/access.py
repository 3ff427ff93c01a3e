"""The access panel: how to get in, right after a deployment. Snippets stand outside the box and flush left, so that
they can be copied.

`access NAME --json` prints

    {"name", "template", "title", "icon", "provider", "health", "health_reason", "since",
     "model": "" when it has none, "gpu": "" when it has none,
     "price": {"hourly", "currency", "source", "as_of"} or null when unknown,
     "endpoints": [{"label", "url"}],
     "secrets": [{"name", "value": null unless --show-secrets, "where": where it is kept}],
     "reach": [who gets in, and what they are asked: a sentence each],
     "instructions": a sentence a line, "snippets": [{"title", "language", "code"}],
     "exposed": {"who", "auth", "user", "secret": its name, "ca": file of the certificate to trust} or null,
     "commands": [{"title", "command"}]}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runner.redact import MASK
from runner.render.parts import HEALTH, badge, commands, facts, full_price
from runner.render.style import Style
from runner.render.text import box, wrap
from runner.render.units import ago

_BORDER_CELLS = 4


def access_text(data: dict[str, Any], *, style: Style) -> str:
    """The panel."""
    panel = style.clean(data)
    icon = f"{panel['icon']} " if style.unicode and panel.get("icon") else ""
    title = f"{icon}{style.bold(panel['name'])} {style.dim('· ' + panel['title'])}"
    look = "green" if panel.get("health") == "healthy" else "dim"
    inside = _inside(panel, replace(style, width=style.width - _BORDER_CELLS))
    lines = box(title, inside, style.width, edge=lambda text: style.paint(text, look))
    lines += _sentences(panel.get("reach", []), style)
    lines += _sentences(panel.get("instructions", "").splitlines(), style)
    for snippet in panel.get("snippets", []):
        lines += [
            "",
            style.bold(snippet["title"]) + (style.dim(f" ({snippet['language']})") if snippet.get("language") else ""),
        ]
        lines += snippet["code"].rstrip("\n").split("\n")
    if panel.get("commands"):
        pairs = [(command["title"], command["command"]) for command in panel["commands"]]
        lines += ["", style.bold("Next"), *commands(pairs, style=style)]
    return "\n".join(lines)


def _inside(panel: dict[str, Any], style: Style) -> list[str]:
    since = panel.get("since", "")
    health = badge(panel["health"], HEALTH, style) if panel.get("health") else ""
    state = [health, f"for {ago(since, style.now)}" if since else "", f"on {panel['provider']}"]
    lines = [" ".join(part for part in state if part), *wrap(panel.get("health_reason", ""), style.width)]
    lines += _pairs(
        [
            ("Model", panel.get("model", "")),
            ("GPU", panel.get("gpu", "")),
            ("Price", full_price(panel.get("price"), style)),
            ("Access", (panel.get("exposed") or {}).get("who", "")),
            ("CA", (panel.get("exposed") or {}).get("ca", "")),
        ],
        style,
    )
    if panel.get("endpoints"):
        lines += [
            "",
            *_pairs([(end["label"], style.paint(end["url"], "bold", "cyan")) for end in panel["endpoints"]], style),
        ]
    if panel.get("secrets"):
        lines += ["", *_pairs([(secret["name"], _secret(secret, style)) for secret in panel["secrets"]], style)]
        if any(secret.get("value") is None for secret in panel["secrets"]):
            lines.append(
                f"{style.dim('show them:')} {style.command('runner access ' + panel['name'] + ' --show-secrets')}"
            )
    return lines


def _pairs(pairs: list[tuple[str, str]], style: Style) -> list[str]:
    return facts(pairs, style=style, indent="")


def _secret(secret: dict[str, Any], style: Style) -> str:
    if secret.get("value") is not None:
        return style.bold(str(secret["value"]))
    where = secret.get("where", "")
    return f"{MASK}{MASK}  {style.dim(where)}".rstrip()


def _sentences(texts: Sequence[str], style: Style) -> list[str]:
    lines = [line for text in texts for line in wrap(text, style.width, hanging="  ")]
    return ["", *lines] if lines else []
