"""Proves that the proxy answers by TLS, as the name that callers use."""

from __future__ import annotations

import os
import socket
import ssl
import time

PAUSE_S = 0.1
CALL_S = 5


def proved(port, host, root, timeout_s):
    """Return when a connection from this host succeeds; with `root`, by a certificate of that authority. Raises OSError
    (of which ssl's errors are kinds) with the last reason when none does in time.

    Only the connection counts: whether callers from here are let in is the proxy's matter.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return _connect(port, host.strip("[]"), root)
        except OSError as error:
            if time.monotonic() >= deadline:
                raise OSError("no TLS at port %d within %d s: %s" % (port, timeout_s, error)) from error
        time.sleep(PAUSE_S)


def _connect(port, name, root):
    if root and not os.path.exists(root):
        raise OSError("%s is not there yet" % root)
    context = ssl.create_default_context(cafile=root or None)
    if not root:  # an authority that callers trust, but perhaps not this host
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=CALL_S) as plain:
        context.wrap_socket(plain, server_hostname=name).close()
