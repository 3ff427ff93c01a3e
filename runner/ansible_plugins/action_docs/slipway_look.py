#!/usr/bin/python
"""What `ansible-doc` shows of the action `slipway_look`, which runs in the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slipway_look
short_description: Looks at a host once and tells whether any role has work there
description:
  - Roles decide by C(__ROLE_topics) in their vars, from what the module C(host_facts) says. A host with work gets into
    the group C(slipway_due).
attributes:
  check_mode:
    support: full
  action:
    support: full
options:
  roles:
    type: list
    elements: str
    required: true
    description: Those that would be run. C(__ROLE_question) of the first one are the options of C(host_facts).
author: The Slipway authors
"""

EXAMPLES = r"""
- name: Ensure it is known what the machine lacks
  slipway_look:
    roles: [base, docker]
  become: true
  changed_when: false
"""

RETURN = r"""
ansible_facts:
  description: Those of C(host_facts), and C(slipway_prepared), true where no role has work.
  returned: success
  type: dict
"""
