"""Asks a service whether it works. Standard library only: runs on any host, and in the runner.

A probe is one cheap request to the template's health path, never a completion: it costs no GPU time.
"""

from __future__ import annotations

import socket
import time

HEALTHY, STARTING, UNHEALTHY = "healthy", "starting", "unhealthy"
HTTP_UNAVAILABLE = 503
LONGEST_LINE = 65536
MOST_ANSWERS = 10
"""Informational ones among them, as 103 Early Hints."""
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
    where = "GET %s" % check["path"]
    try:
        status = _status(check, timeout_s)
    except ConnectionRefusedError:
        return STARTING, "nothing listens on port %d yet" % check["port"]
    except socket.timeout:
        return UNHEALTHY, "%s did not answer within %g s" % (where, timeout_s)
    except OSError as error:
        return UNHEALTHY, "%s failed: %s" % (where, type(error).__name__)
    if not status:
        return UNHEALTHY, "%s was not answered in HTTP" % where
    if status == check["status"]:
        return HEALTHY, "%s answered %d" % (where, status)
    state = STARTING if status == HTTP_UNAVAILABLE else UNHEALTHY
    return state, "%s answered %d instead of %d" % (where, status, check["status"])


def _status(check, timeout_s):
    """The answer's status; 0 when it is not HTTP. By hand: loading http.client takes longer than asking."""
    words = ["GET %s HTTP/1.1" % check["path"], "Host: %s:%d" % (check["host"], check["port"])]
    words += ["User-Agent: slipway-health", "Accept: */*", "Connection: close", "", ""]
    with _connected(check, timeout_s) as channel:
        channel.sendall("\r\n".join(words).encode())
        with channel.makefile("rb") as answer:
            for _ in range(MOST_ANSWERS):
                protocol, _, rest = answer.readline(LONGEST_LINE).partition(b" ")
                if not protocol.startswith(b"HTTP/") or not rest[:3].isdigit():
                    return 0
                if rest[:1] != b"1":
                    return int(rest[:3])
                while answer.readline(LONGEST_LINE).strip():  # an informational one: the real one follows its headers
                    pass
    return 0


def _connected(check, timeout_s):
    channel = socket.create_connection((check["host"], check["port"]), timeout=timeout_s)
    if check.get("protocol") != "https":
        return channel
    import ssl

    # The service's own certificate is self-signed and the peer is this machine: only the answer counts.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with channel:  # wrapping takes the socket over, and leaves nothing to close when it succeeds
        return context.wrap_socket(channel)


def _probe_tcp(check, timeout_s):
    try:
        with socket.create_connection((check["host"], check["port"]), timeout=timeout_s):
            return HEALTHY, "port %d accepts connections" % check["port"]
    except ConnectionRefusedError:
        return STARTING, "nothing listens on port %d yet" % check["port"]
    except OSError as error:
        return UNHEALTHY, "port %d: %s" % (check["port"], type(error).__name__)
