"""Runs a module's file in this process, as Ansible does on a host."""

from __future__ import annotations

import io
import json
import runpy
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import ansible.module_utils
import pytest
from ansible.module_utils.testing import patch_module_args

PLUGINS = Path(__file__).resolve().parents[2] / "runner" / "ansible_plugins"


def run_module(name: str, *, check: bool = False, diff: bool = False, **arguments: Any) -> dict[str, Any]:
    """Its answer."""
    output = io.StringIO()
    asked = {**arguments, "_ansible_check_mode": check, "_ansible_diff": diff}
    path = [*ansible.module_utils.__path__, str(PLUGINS / "module_utils")]
    with (
        mock.patch.object(ansible.module_utils, "__path__", path),
        patch_module_args(asked),
        redirect_stdout(output),
        pytest.raises(SystemExit),
    ):
        runpy.run_path(str(PLUGINS / "modules" / f"{name}.py"), run_name="__main__")
    answer: dict[str, Any] = json.loads(output.getvalue())
    return answer
