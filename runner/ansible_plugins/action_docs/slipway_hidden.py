#!/usr/bin/python
"""What `ansible-doc` shows of the action `slipway_hidden`, which runs in the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slipway_hidden
short_description: Runs a module whose options hold secrets, and shows only what people may see of it
description:
  - Takes the place of three tasks, one under C(no_log), one that tells what it would change, one that tells why it
    failed.
attributes:
  check_mode:
    support: full
  action:
    support: full
options:
  module:
    type: str
    required: true
    description: Its name.
  options:
    type: dict
    required: true
    description: Its options; no callback and no log gets to see them.
  prefix:
    type: str
    default: ''
    description: Of which container, where there are several.
  facts:
    type: dict
    default: {}
    description: Names of facts to set, each with the key of the answer that is its value.
author: The Slipway authors
"""

EXAMPLES = r"""
- name: Ensure the container is started
  slipway_hidden:
    module: container
    options:
      name: mine-chat
      image: example/app:1
      env: {TOKEN: "{{ token }}"}
"""

RETURN = r"""
differences:
  description: What a dry run would change, each with field, before and after; no secrets.
  returned: in check mode
  type: list
  elements: dict
"""
