#!/usr/bin/python
"""Ansible module without content: what Ansible makes of it says how a program is started on the host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slipway_stub
short_description: Nothing, in the shape of a module
description:
  - Not for tasks. C(runner/ansible_plugins/bundled.py) has Ansible prepare it in the place of each of our modules, and
    sends the program of that module instead. So Ansible never edits a text that holds anybody's values.
attributes:
  check_mode:
    support: full
author: The Slipway authors
"""

EXAMPLES = ""

RETURN = ""

# Ansible pipes to the host's Python what has this marker, and puts the arguments in its place:
# <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>
