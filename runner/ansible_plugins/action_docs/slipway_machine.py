#!/usr/bin/python
"""What `ansible-doc` shows of the action `slipway_machine`, which runs in the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slipway_machine
short_description: Ensures that the machine of a deployment is there, or gone
description:
  - For hosts that the inventory plugin C(deployments) has made; what is wanted stands in their C(slipway_*) variables.
  - Its task says C(changed_when) false, because Ansible calls everything a change that is new to the inventory.
attributes:
  check_mode:
    support: full
  action:
    support: full
options:
  state:
    type: str
    required: true
    choices: [present, found, stopped, absent]
    description: V(found) looks for it and makes nothing.
author: The Slipway authors
"""

EXAMPLES = r"""
- name: Ensure the machine is there
  slipway_machine:
    state: present
  changed_when: false
"""

RETURN = r"""
ansible_facts:
  description: C(slipway_machine), how to get there; null when nothing is found.
  returned: with present and found
  type: dict
"""
