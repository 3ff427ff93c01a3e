"""Runs our modules as bundles, for every action that runs a module. Others are run as Ansible runs them."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from ansible.module_utils.common.json import Direction, get_module_encoder

from runner import bundles

STUB = "slipway_stub"
"""A module without any content. What Ansible makes of it says which Python the host has, and how to start it."""


class Bundled:
    """Mixed into an action, before Ansible's own class."""

    def _configure_module(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> Any:
        """(the module as it is sent to the host, its file). Ansible's own, but for the program of a module of ours."""
        configure = super()._configure_module  # type: ignore[misc]  # Ansible's class comes after
        name = module_name.removeprefix("ansible.legacy.")
        if bundles.packed(name) is None:
            return configure(module_name=module_name, module_args=module_args, task_vars=task_vars)
        built, path = configure(module_name=STUB, module_args={}, task_vars=task_vars)
        encoder = get_module_encoder(built.serialization_profile, Direction.CONTROLLER_TO_MODULE)
        text = f"{built.shebang}\n{bundles.program(name, json.dumps(module_args, cls=encoder))}"
        return dataclasses.replace(built, b_module_data=text.encode()), path
