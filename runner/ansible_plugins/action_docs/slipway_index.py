#!/usr/bin/python
"""What `ansible-doc` shows of the action `slipway_index`, which runs in the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slipway_index
short_description: Writes the table of all deployments
description:
  - C(deployments/README.md), from the records.
attributes:
  check_mode:
    support: full
  action:
    support: full
options: {}
author: The Slipway authors
"""

EXAMPLES = r"""
- name: Ensure the table of deployments is current
  slipway_index:
"""

RETURN = r"""
"""
