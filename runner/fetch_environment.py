"""Becomes the program that is named by its arguments, with the environment that `private_environment` has handed over.

A program of its own, started without site packages: imports nothing of ours.
"""

import json
import os
import sys

if __name__ == "__main__":
    memory = os.environ.pop("SLIPWAY_ENVIRONMENT")
    with open(memory, encoding="utf-8", errors="surrogateescape") as stream:  # noqa: PTH123 - pathlib is slow to load
        os.environ.update({**json.load(stream), **os.environ})
    os.execvp(sys.argv[1], sys.argv[1:])
