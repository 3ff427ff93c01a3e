#!/usr/bin/python
"""What `ansible-doc` shows of the action `ollama_models`, which runs in the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ollama_models
short_description: Downloads models and tells how far it is
description:
  - Calls the module C(ollama_pull) again and again; the server keeps what it has, so that a broken download goes on.
attributes:
  check_mode:
    support: full
  action:
    support: full
options:
  url:
    type: str
    required: true
    description: Of the Ollama server.
  models:
    type: list
    elements: str
    required: true
    description: Names with tags.
  insecure:
    type: bool
    default: false
    description: Whether a registry without TLS is accepted.
  stall_s:
    type: int
    required: true
    description: How long a download may stand still.
author: The Slipway authors
"""

EXAMPLES = r"""
- name: Ensure the models are downloaded
  ollama_models:
    url: http://127.0.0.1:11434
    models: ["llama3.2:3b"]
    insecure: false
    stall_s: 120
"""

RETURN = r"""
"""
