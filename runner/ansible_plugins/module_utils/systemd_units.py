"""Scripts that systemd runs for us on this host: where they are, and what systemd says of them.

Standard library only: read by the module `script_unit`, and sent to hosts by the observer.
"""

from __future__ import annotations

import json
import os
import re
import time

from .restarts import WINDOW_S

HOME = "/var/lib/slipway/units"
MARK = "mark.json"
LONGEST = 64 * 1024
LONGEST_NAME = 41
NAME = "abcdefghijklmnopqrstuvwxyz0123456789-"
ENTERED = "ActiveEnterTimestampMonotonic"
SHOWN = (
    *("Id", "ActiveState", "SubState", "Result", "ExecMainStatus", "ExecMainPID", "NRestarts", "ActiveEnterTimestamp"),
    ENTERED,
)
RESTART_SCHEDULED = "5eb03494b6584870a536b337290809b3"
"""How systemd's journal names the message that it starts a unit again."""


def unit_name(repo, name):
    """What the unit of a deployment is called."""
    return "slipway-%s-%s.service" % (repo, name)


def folder(repo, name):
    """Where its files are."""
    return os.path.join(HOME, "%s-%s" % (repo, name))


def read_mark(path):
    """What was written beside the script; empty when there is none or it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            found = json.loads(stream.read(LONGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_name(value):
    """Of a deployment; it becomes the name of a unit."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and not value.strip(NAME) and value[0].isalpha()


def _proper(mark):
    """What others read of a mark, whatever stands in it."""
    digest, health = mark.get("digest"), mark.get("health")
    return {
        "digest": digest if isinstance(digest, str) else "",
        "health": health if isinstance(health, dict) else {},
    }


def show(units):
    """Unit → what systemd says of it."""
    if not units:
        return {}
    import subprocess  # most hosts have no script, and no use for it

    command = ["systemctl", "show", "--property", ",".join(SHOWN), "--", *units]
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ, TZ="UTC", LC_ALL="C"),  # it writes times as the caller has them
    )
    found = {}
    for block in done.stdout.decode("utf-8", "replace").strip().split("\n\n"):
        facts = dict(line.split("=", 1) for line in block.split("\n") if "=" in line)
        found[facts.get("Id", "")] = facts
    return found


def moment(text):
    """A time as systemd writes it in UTC, `Sat 2026-11-28 18:14:17 UTC`, as ISO 8601; empty when it is none."""
    found = re.search(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC\Z", text)
    return "%sT%s+00:00" % found.groups() if found else ""


def state(facts):
    """(state, detail) of one unit, in the words of a resource."""
    active, sub = facts.get("ActiveState", ""), facts.get("SubState", "")
    if active == "active":
        return "running", ""
    if sub == "auto-restart":
        status = facts.get("ExecMainStatus", "?")
        return "running", "it ends and is started again and again, last with status %s" % status
    if active in ("activating", "reloading", "deactivating"):
        return "pending", sub
    if active == "failed":
        return "failed", "it ended by itself with status %s" % facts.get("ExecMainStatus", "?")
    return "stopped", ""


def units(repo):
    """Every script of a repository: its mark, and the state of its unit."""
    folders = sorted(os.listdir(HOME)) if os.path.isdir(HOME) else []
    marks = [read_mark(os.path.join(HOME, folder, MARK)) for folder in folders]
    mine = [mark for mark in marks if mark.get("repo") == repo and _is_name(mark.get("deployment"))]
    said = show([unit_name(repo, mark["deployment"]) for mark in mine])
    found = []
    for mark in mine:
        unit = unit_name(repo, mark["deployment"])
        facts = said.get(unit, {})
        word, detail = state(facts)
        since = moment(facts.get("ActiveEnterTimestamp", "")) if word == "running" else ""
        told = {"unit": unit, "state": word, "detail": detail, "since": since, "restarts": restarts(facts)}
        found.append({**mark, **_proper(mark), **told})
    return found


def restarts(facts):
    """How often systemd has started a unit again lately, after it ended by itself."""
    total = int(facts.get("NRestarts") or 0)
    up = time.monotonic() - int(facts.get(ENTERED) or 0) / 1e6
    if not total or (facts.get("ActiveState") == "active" and up > WINDOW_S):
        return 0  # nobody reads journals for what has been running for long
    import subprocess

    command = ["journalctl", "--quiet", "--output=cat", "--since=-%ds" % WINDOW_S, "--unit", facts["Id"]]
    command.append("MESSAGE_ID=" + RESTART_SCHEDULED)
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    return min(total, len(done.stdout.splitlines()))
