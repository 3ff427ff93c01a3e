"""Ports for services that tests start."""

from __future__ import annotations

import os
import random
import socket

FIRST, LAST = 20000, 32000
"""Below those that the kernel gives to connections on their way out, so that none of them takes one of these between
the choice and the start of the service.
"""
_DICE = random.Random(os.getpid())  # noqa: S311 - processes that run side by side choose different ones
_GIVEN: set[int] = set()


def free() -> int:
    """A port that nobody uses at the moment, never the same twice in one process."""
    while True:
        number = _DICE.randrange(FIRST, LAST)
        if number not in _GIVEN and _nobody_listens(number):
            _GIVEN.add(number)
            return number


def _nobody_listens(number: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", number))  # of all addresses: taken if it is taken anywhere
        except OSError:
            return False
        return True
