"""Scripts that systemd runs for us on this host: where they are, and what systemd says of them.

Standard library only: read by the module `script_unit`, and sent to hosts by the observer.
"""

from __future__ import annotations

import json
import os

HOME = "/var/lib/slipway/units"
MARK = "mark.json"
SHOWN = ("Id", "ActiveState", "SubState", "Result", "ExecMainStatus", "NRestarts", "ActiveEnterTimestamp")


def unit_name(repo, name):
    """What the unit of a deployment is called."""
    return "slipway-%s-%s.service" % (repo, name)


def folder(repo, name):
    """Where its files are."""
    return os.path.join(HOME, "%s-%s" % (repo, name))


def read_mark(path):
    """What was written beside the script; empty when there is none or it cannot be read."""
    try:
        with open(path) as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def show(units):
    """Unit → what systemd says of it."""
    if not units:
        return {}
    import subprocess  # most hosts have no script, and no use for it

    command = ["systemctl", "show", "--property", ",".join(SHOWN), "--", *units]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    found = {}
    for block in done.stdout.strip().split("\n\n"):
        facts = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found[facts.get("Id", "")] = facts
    return found


def state(facts):
    """(state, detail) of one unit, in the words of a resource."""
    active, sub = facts.get("ActiveState", ""), facts.get("SubState", "")
    if active == "active":
        return "running", ""
    if sub == "auto-restart":
        return "pending", "it ends and is started again and again, last with status %s" % facts["ExecMainStatus"]
    if active in ("activating", "reloading", "deactivating"):
        return "pending", sub
    if active == "failed":
        return "failed", "it ended by itself with status %s" % facts.get("ExecMainStatus", "?")
    return "stopped", ""


def units(repo):
    """Every script of a repository: its mark, and the state of its unit."""
    folders = sorted(os.listdir(HOME)) if os.path.isdir(HOME) else []
    marks = [read_mark(os.path.join(HOME, folder, MARK)) for folder in folders]
    mine = [mark for mark in marks if mark.get("repo") == repo]
    said = show([unit_name(repo, mark["deployment"]) for mark in mine])
    found = []
    for mark in mine:
        unit = unit_name(repo, mark["deployment"])
        facts = said.get(unit, {})
        word, detail = state(facts)
        since = facts.get("ActiveEnterTimestamp", "") if word == "running" else ""
        found.append({**mark, "unit": unit, "state": word, "detail": detail, "since": since})
    return found
