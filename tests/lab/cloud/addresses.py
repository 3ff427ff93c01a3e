"""Private addresses of the cloud's machines: a part of the lab's network that no other cloud uses at the same time."""

from __future__ import annotations

import fcntl
import ipaddress
import threading
from typing import IO

from tests.lab import network
from tests.lab.host import LabError, cache

FIRST, SIZE, PARTS = 64, 32, 6  # hosts of the lab take theirs from the bottom


class Addresses:
    """Addresses that machines are given and give back."""

    def __init__(self, free: list[str], part: int = 0, claim: IO[str] | None = None) -> None:
        self.part, self._claim = part, claim
        self._free, self._lock = free, threading.Lock()

    def take(self) -> str:
        """One that nobody has."""
        with self._lock:
            if not self._free:
                raise LabError("the cloud has no address left; remove machines")
            return self._free.pop(0)

    def give(self, address: str) -> None:
        """Last in the queue: an address is not used again at once."""
        with self._lock:
            self._free.append(address)

    def close(self) -> None:
        """Let others have the part."""
        if self._claim is not None:
            self._claim.close()


def made_up() -> Addresses:
    """For machines that nobody reaches."""
    return Addresses([str(address) for address in list(ipaddress.IPv4Network("10.99.0.0/22"))[10:-1]])


def of_the_lab() -> Addresses:
    """In the network of the lab. Held by a lock, so that it is free again when this process ends, however it does."""
    subnet = network.ensure()
    for part in range(PARTS):
        claim = (cache() / f"cloud-{part}.lock").open("w")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            claim.close()
            continue
        start = FIRST + part * SIZE
        return Addresses([str(subnet[number]) for number in range(start, min(start + SIZE, 255))], part, claim)
    raise LabError(f"{PARTS} clouds of the lab run already")
