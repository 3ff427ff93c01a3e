#!/usr/bin/python
"""What `ansible-doc` shows of the action `slipway_fail`, which runs in the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slipway_fail
short_description: Fails with the message, hint and code of another task, or with one's own
description:
  - For tasks whose own answer is hidden. Nothing of that answer is shown but msg, hint and code.
attributes:
  check_mode:
    support: full
  action:
    support: full
options:
  result:
    type: dict
    required: true
    description: What the other task returned, or msg, hint and code.
author: The Slipway authors
"""

EXAMPLES = r"""
- name: Say why the settings were refused
  slipway_fail:
    result: "{{ settings_result }}"
"""

RETURN = r"""
code:
  description: Stable name of the failure.
  returned: always
  type: str
"""
