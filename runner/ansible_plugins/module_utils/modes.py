"""Who may read what we write on a host, whatever umask root has there. With the 027 or 077 of hardened hosts, others
(apt's own user, the proxy, a service) could not read what was meant for them. Standard library only.
"""

from __future__ import annotations

import os

USUAL = 0o022


def usual():
    """For programs that we call and whose files others need: package managers and what they run."""
    os.umask(USUAL)


def folders(path, mode=0o755):
    """Make a folder and those on the way to it, each with this very mode. What is there stays as it is."""
    missing = []
    while path and not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for one in reversed(missing):
        try:
            os.mkdir(one, mode)
        except FileExistsError:  # somebody else was faster
            continue
        os.chmod(one, mode)
