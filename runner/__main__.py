"""`python -m runner`, and the command `runner`."""

from __future__ import annotations

import os
import signal
from typing import Any

_INTERRUPTED = 130


def _end(number: int, frame: Any) -> None:
    """Before anything is done and after everything is: no traceback of whatever was being imported."""
    del number, frame
    os._exit(_INTERRUPTED)


for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_number) is not signal.SIG_IGN:
        signal.signal(_number, _end)

from runner.cli import main  # noqa: E402 - not before it may be interrupted

if __name__ == "__main__":
    main()
