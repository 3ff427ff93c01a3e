"""What the garbage collector need not look at. Knows nothing of deployments."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MUCH = 100_000
"""Objects; about a thousand deployments."""


@contextmanager
def lasting() -> Iterator[None]:
    """For making data that lives until the command ends; also a decorator.

    The collector walks over all of it again and again while it grows, and finds nothing: half of the time of a plan of
    ten thousand deployments. Here it waits, and afterwards leaves alone what was made, if that is much.
    """
    if not gc.isenabled():  # inside another one
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if gc.get_count()[0] > MUCH:
            gc.freeze()
        gc.enable()
