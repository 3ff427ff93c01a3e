"""Asks a service whether it works. Standard library only: runs on any host, and in the runner.

A probe is one cheap request to the template's health path, never a completion: it costs no GPU time.
"""

from __future__ import annotations

import http.client
import socket
import time

HEALTHY, STARTING, UNHEALTHY = "healthy", "starting", "unhealthy"
HTTP_UNAVAILABLE = 503
POLL_S = 0.1
MAX_POLL_S = 2.0
PATIENCE = 1.05
"""Each pause is this much longer than the one before: a late probe adds a twentieth to a long start, not a fifth."""


def probe(check, timeout_s=5.0):
    """(state, detail) of a check {host, port, protocol, path, status}. Never raises for what the service does."""
    if check.get("protocol") in ("tcp", "udp"):
        return _probe_tcp(check, timeout_s)
    return _probe_http(check, timeout_s)


def wait(check, timeout_s, alive=lambda: "", clock=time.monotonic, sleep=time.sleep):
    """Probe until healthy. Returns (True, detail) or (False, reason).

    `alive` returns a reason as soon as waiting is in vain (the process is gone), else an empty text.
    """
    deadline = clock() + timeout_s
    pause = POLL_S
    while True:
        state, detail = probe(check)
        if state == HEALTHY:
            return True, detail
        dead = alive()
        if dead:
            return False, dead
        if clock() >= deadline:
            return False, "not healthy after %d s: %s" % (timeout_s, detail)
        sleep(pause)
        pause = min(pause * PATIENCE, MAX_POLL_S)


def _probe_http(check, timeout_s):
    connection = _connection(check, timeout_s)
    where = "GET %s" % check["path"]
    try:
        connection.request("GET", check["path"], headers={"User-Agent": "slipway-health"})
        status = connection.getresponse().status
    except ConnectionRefusedError:
        return STARTING, "nothing listens on port %d yet" % check["port"]
    except socket.timeout:
        return UNHEALTHY, "%s did not answer within %g s" % (where, timeout_s)
    except (OSError, http.client.HTTPException) as error:
        return UNHEALTHY, "%s failed: %s" % (where, type(error).__name__)
    finally:
        connection.close()
    if status == check["status"]:
        return HEALTHY, "%s answered %d" % (where, status)
    state = STARTING if status == HTTP_UNAVAILABLE else UNHEALTHY
    return state, "%s answered %d instead of %d" % (where, status, check["status"])


def _connection(check, timeout_s):
    if check.get("protocol") != "https":
        return http.client.HTTPConnection(check["host"], check["port"], timeout=timeout_s)
    import ssl

    # The service's own certificate is self-signed and the peer is this machine: only the answer counts.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(check["host"], check["port"], timeout=timeout_s, context=context)


def _probe_tcp(check, timeout_s):
    try:
        with socket.create_connection((check["host"], check["port"]), timeout=timeout_s):
            return HEALTHY, "port %d accepts connections" % check["port"]
    except ConnectionRefusedError:
        return STARTING, "nothing listens on port %d yet" % check["port"]
    except OSError as error:
        return UNHEALTHY, "port %d: %s" % (check["port"], type(error).__name__)
