"""How often a service ended by itself and was started again lately. Standard library only: runs on any host.

One that answers now and then, between its ends, is not healthy: no single probe can tell.
"""

from __future__ import annotations

import contextlib
import json
import re
import time

from .docker_socket import DockerError, fetch

COUNT = "slipway-restarts"
WINDOW_S = 600
MANY = 3
"""Restarts within the window from which on a service does not count as healthy, whatever it answers right now."""
YOUNG = re.compile(r"Up (Less than a second|\d+ seconds?|About a minute|\d minutes?)\b")
"""What engines say of a container that was started within the window."""


def told(restarts):
    """For people; empty for none."""
    if not restarts:
        return ""
    return "restarted %d time%s in %d minutes" % (restarts, "" if restarts == 1 else "s", WINDOW_S // 60)


def recent(containers):
    """Whether one of an engine's list of containers was started so lately that it may have been restarted."""
    return any(one["State"] == "restarting" or YOUNG.match(one["Status"]) for one in containers)


def counted(path, containers, labels):
    """The same list of an engine's containers, each with how often it was restarted under COUNT. `path` is the socket,
    `labels` are what was listed. The engine is only asked where something was started lately.
    """
    found = {}
    if recent(containers):
        with contextlib.suppress(DockerError):  # of an engine that does not tell: what its list says has to do
            found = ends(fetch(path, _events(labels, int(time.time())), lines=True))
    return [dict(one, **{COUNT: found.get(one["Id"], 0)}) for one in containers]


def _events(labels, until):
    """`until` is not to come: the engine would wait for it."""
    from urllib.parse import quote  # slow to import, and seldom needed

    wanted = {
        "type": ["container"],
        "event": ["die", "kill", "restart", "stop"],
        "label": ["%s=%s" % pair for pair in sorted(labels.items())],
    }
    return "/events?since=%d&until=%d&filters=%s" % (until - WINDOW_S, until, quote(json.dumps(wanted)))


def ends(events):
    """Container id → how often it ended by itself since somebody last ended it, from lines of the engine's events.

    Whoever stops a container sends it a signal, which is an event of its own; what ends by itself gets none.
    """
    killed, found = set(), {}
    for event in events:
        container = event.get("id") or event.get("Actor", {}).get("ID", "")
        word = event.get("status") or event.get("Action", "")
        if word == "kill":
            killed.add(container)
        elif word != "die" or container in killed:
            killed.discard(container)
            found[container] = 0
        else:
            found[container] = found.get(container, 0) + 1
    return found
