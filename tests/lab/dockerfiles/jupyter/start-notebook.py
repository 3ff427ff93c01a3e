#!/usr/bin/python3
"""Become JupyterLab, like the script of the same name in quay.io/jupyter images. Arguments are passed on."""

import os
import sys

DEFAULTS = ["--ServerApp.ip=0.0.0.0", "--ServerApp.open_browser=False"]

port = ["--ServerApp.port=" + os.environ.get("JUPYTER_PORT", "8888")]
os.execvp("jupyter", ["jupyter", "lab", *DEFAULTS, *port, *sys.argv[1:]])
