#!/usr/bin/python
"""What `ansible-doc` shows of the action `slipway_record`, which runs in the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slipway_record
short_description: Writes or removes what the repository remembers of a deployment
description:
  - The record in C(inventory/host_vars/) and the access page in C(deployments/access/); the last step of an apply.
attributes:
  check_mode:
    support: full
  action:
    support: full
options:
  state:
    type: str
    required: true
    choices: [running, stopped, absent]
    description: What was reached.
author: The Slipway authors
"""

EXAMPLES = r"""
- name: Ensure the access details are written
  slipway_record:
    state: running
"""

RETURN = r"""
"""
