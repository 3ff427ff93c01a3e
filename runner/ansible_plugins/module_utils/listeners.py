"""Who listens at which port of this host: the program, its process, and whether it is ours. Standard library only.

Reads /proc only; a port counts as taken when the kernel also refuses it.
"""

from __future__ import annotations

import errno
import os
import socket

TYPE_CHECKING = False  # as in `typing`, which takes long to load; type checkers know the name
if TYPE_CHECKING:
    from typing import Any

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
LISTEN = "0A"
ANY = "*"
LOCAL = ("0100007F", "0000000000000000FFFF00000100007F")
WILD = {"00000000", "0" * 32}
UNIT = "slipway-"
ANCESTORS = 20


def taken(ports, ours=()):
    """[{"port", "program", "pid", "free"}] of the ports that somebody else has; an unknown pid is 0.

    `ports`: [number, address] each, the address 127.0.0.1 or * for all. `ours`: folders; whoever runs from below one of
    them is not somebody else, nor are units called slipway-….
    """
    listening = _listening()
    clashing = {}
    for number, address in ports:
        inodes = [
            inode for there, inode in listening.get(number, ()) if address == ANY or there in WILD or there in LOCAL
        ]
        if inodes and _refused(number, address):
            clashing[number] = inodes
    if not clashing:
        return []
    owners = _owners({inode for inodes in clashing.values() for inode in inodes})
    found = []
    for number, inodes in sorted(clashing.items()):
        pid = next((owners[inode] for inode in inodes if inode in owners), 0)
        if not (pid and _is_ours(pid, ours)):
            free = next(port for port in range(number + 1, number + 2 + len(listening)) if port not in listening)
            found.append({"port": number, "program": _program(pid), "pid": pid, "free": free})
    return found


def _listening():
    """Port → [(address as the kernel writes it, inode)]."""
    found: dict[int, Any] = {}
    for table in TABLES:
        for row in _lines(table)[1:]:
            fields = row.split()
            if len(fields) > 9 and fields[3] == LISTEN:  # noqa: PLR2004 - the inode is the tenth
                address, _, port = fields[1].partition(":")
                found.setdefault(int(port, 16), []).append((address, fields[9]))
    return found


def _refused(number, address):
    """Whether the kernel refuses the port now. One that only root may take is believed to be as the tables say."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("" if address == ANY else address, number))
        except OSError as error:
            return error.errno in (errno.EADDRINUSE, errno.EACCES)
    return False


def _owners(inodes):
    """Inode → the process that has it open; without what this user may not see."""
    wanted = {"socket:[%s]" % inode: inode for inode in inodes}
    found: dict[str, int] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        folder = "/proc/%s/fd" % pid
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            inode = wanted.get(_link(os.path.join(folder, name)))
            if inode is not None:
                found.setdefault(inode, int(pid))
        if len(found) == len(wanted):
            break
    return found


def _is_ours(pid, folders):
    """One of our units, or a process that it or an ancestor of it runs from one of our folders."""
    if any(UNIT in line.rpartition("/")[2] for line in _lines("/proc/%d/cgroup" % pid)):
        return True
    for _ in range(ANCESTORS if folders else 0):
        words = [_link("/proc/%d/cwd" % pid), *"".join(_lines("/proc/%d/cmdline" % pid)).split("\0")]
        if any(word == folder or word.startswith(folder + "/") for word in words for folder in folders):
            return True
        pid = _parent(pid)
        if pid <= 1:
            return False
    return False


def _parent(pid):
    fields = "".join(_lines("/proc/%d/stat" % pid)).rpartition(")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def _program(pid):
    """A program calls itself what it likes, so what no terminal should see is left out."""
    name = "".join(_lines("/proc/%d/comm" % pid)[:1]) if pid else ""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _lines(path):
    try:
        with open(path, errors="replace") as stream:
            return stream.read().splitlines()
    except OSError:
        return []
