"""Asks a service whether it works. Standard library only: runs on any host, and in the runner.

A probe is one cheap request to the template's health path, never a completion: it costs no GPU time.
"""

from __future__ import annotations

import socket
import time

HEALTHY, STARTING, UNHEALTHY = "healthy", "starting", "unhealthy"
HTTP_UNAVAILABLE = 503
CHUNK = 4096
MOST_BYTES = 65536
"""Of status lines and headers together."""
MOST_ANSWERS = 10
"""Informational ones among them, as 103 Early Hints."""
POLL_S = 0.1
MAX_POLL_S = 2.0
STABLE_S = 3.0
"""How long a service must go on after its first good answer, unless its template says otherwise."""
STABLE_POLL_S = 0.5
PATIENCE = 1.05
"""Each pause is this much longer than the one before: a late probe adds a twentieth to a long start, not a fifth."""


def probe(check, timeout_s=5.0):
    """(state, detail) of a check {host, port, protocol, path, status}. Never raises for what the service does, and is
    back within `timeout_s`, however slowly it answers.
    """
    if check.get("protocol") in ("tcp", "udp"):
        return _probe_tcp(check, timeout_s)
    return _probe_http(check, timeout_s)


def wait(check, timeout_s, alive=lambda: "", life=lambda: None):
    """Probe until healthy, and for `stable_s` more: one good answer says nothing of a service that ends right after it.
    Returns (True, detail) or (False, reason).

    `alive` returns a reason as soon as waiting is in vain (the process is gone), else an empty text; `life` what is
    another one once it was started again, or None where that cannot be told.
    """
    deadline = time.monotonic() + timeout_s
    pause = POLL_S
    while True:
        born = life()
        state, detail = probe(check)
        if state == HEALTHY:
            ended = _ended(check.get("stable_s", STABLE_S), born, alive, life)
            if ended:
                return False, "%s, but did not stay: %s" % (detail, ended)
            state, last = probe(check)
            if state == HEALTHY:
                return True, detail
            detail = "%s, and then: %s" % (detail, last)
        dead = alive()
        if dead:
            return False, dead
        if time.monotonic() >= deadline:
            return False, "not healthy after %d s: %s" % (timeout_s, detail)
        time.sleep(pause)
        pause = min(pause * PATIENCE, MAX_POLL_S)


def _ended(stable_s, born, alive, life):
    """Why it did not outlive the next `stable_s` seconds; empty when it did."""
    until = time.monotonic() + stable_s
    while True:
        dead, now = alive(), life()
        if dead:
            return dead
        if None not in (born, now) and now != born:
            return "it ended by itself and was started again"
        if time.monotonic() >= until:
            return ""
        time.sleep(min(STABLE_POLL_S, max(until - time.monotonic(), 0)))


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
    """The answer's status; 0 when it is not HTTP. By hand: loading http.client takes longer than asking.

    Redirects are not followed and bodies are not read, so what a service can make this one take is a few headers.
    """
    deadline = time.monotonic() + timeout_s
    words = ["GET %s HTTP/1.1" % check["path"], "Host: %s:%d" % (check["host"], check["port"])]
    words += ["User-Agent: slipway-health", "Accept: */*", "Connection: close", "", ""]
    with _connected(check, timeout_s) as channel:
        channel.settimeout(_left(deadline))
        channel.sendall("\r\n".join(words).encode())
        lines = _lines(channel, deadline)
        for _ in range(MOST_ANSWERS):
            protocol, _, rest = next(lines, b"").partition(b" ")
            if not protocol.startswith(b"HTTP/") or not rest[:3].isdigit():
                return 0
            if rest[:1] != b"1":
                return int(rest[:3])
            while next(lines, b"").strip():  # an informational one: the real one follows its headers
                pass
    return 0


def _lines(channel, deadline):
    """What the service says, line by line, until the deadline of the whole: a byte a second would outlast any limit
    on the single read. Raises OSError; says no more once it has said too much.
    """
    said, taken = b"", 0
    while True:
        line, ended, said = said.partition(b"\n")
        if ended:
            yield line
            continue
        channel.settimeout(_left(deadline))
        chunk = channel.recv(min(CHUNK, MOST_BYTES - taken))
        taken += len(chunk)
        said = line + chunk
        if not chunk or taken >= MOST_BYTES:
            yield said
            return


def _left(deadline):
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout
    return left


def _connected(check, timeout_s):
    deadline = time.monotonic() + timeout_s
    channel = socket.create_connection((check["host"], check["port"]), timeout=timeout_s)
    if check.get("protocol") != "https":
        return channel
    import ssl

    # The service's own certificate is self-signed and the peer is this machine: only the answer counts.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with channel:  # wrapping takes the socket over, and leaves nothing to close when it succeeds
        channel.settimeout(_left(deadline))  # of the handshake as a whole
        return context.wrap_socket(channel)


def _probe_tcp(check, timeout_s):
    try:
        with socket.create_connection((check["host"], check["port"]), timeout=timeout_s):
            return HEALTHY, "port %d accepts connections" % check["port"]
    except ConnectionRefusedError:
        return STARTING, "nothing listens on port %d yet" % check["port"]
    except OSError as error:
        return UNHEALTHY, "port %d: %s" % (check["port"], type(error).__name__)
