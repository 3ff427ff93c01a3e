"""One service container that the module `container` is asked to manage, on a real engine."""

from __future__ import annotations

import io
import json
import runpy
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import ansible.module_utils
import pytest
from ansible.module_utils.testing import patch_module_args

from runner.ansible_plugins.module_utils.docker_api import Docker
from tests import ports
from tests.lab import ready

PLUGINS = Path(__file__).resolve().parents[2] / "runner" / "ansible_plugins"
CANARY = "canary-5up3r-s3cret"


class Box:
    """One service: a web server that shows a file of its volume, and that the module is asked to manage."""

    def __init__(self, image: str, labels: dict[str, str]) -> None:
        self.name = f"slipway-{labels['slipway-repo']}-web"
        self.volume = f"{self.name}-data"
        self.image, self.docker = image, Docker()
        self.wanted: dict[str, Any] = {
            "name": self.name,
            "image": image,
            "command": ["httpd", "-f", "-p", "8080", "-h", "/data"],
            "env": {"TOKEN": CANARY, "COLOUR": "red", "DEBUG": True, "LEVEL": 1},
            "labels": labels,
            "ports": [{"host": ports.free(), "container": 8080}],
            "volumes": {self.volume: "/data"},
            "stop_timeout_s": 0,  # httpd as process 1 does not hear SIGTERM
        }
        self.said = ""

    def call(self, *, check: bool = False, **changed: Any) -> dict[str, Any]:
        """Run the module's file like Ansible does; its answer."""
        arguments = {**self.wanted, **changed, "_ansible_check_mode": check, "_ansible_diff": True}
        output = io.StringIO()
        with patch_module_args(arguments), redirect_stdout(output), pytest.raises(SystemExit):
            runpy.run_path(str(PLUGINS / "modules" / "container.py"), run_name="__main__")
        self.said += output.getvalue()
        answer: dict[str, Any] = json.loads(output.getvalue())
        return answer

    def status(self, suffix: str = "") -> str:
        container = self.docker.inspect(self.name + suffix)
        return str(container["State"]["Status"]) if container else "absent"

    def id(self) -> str:
        container = self.docker.inspect(self.name)
        assert container
        return str(container["Id"])

    def environment(self) -> list[str]:
        container = self.docker.inspect(self.name)
        assert container
        return list(container["Config"]["Env"])


@contextmanager
def box() -> Iterator[Box]:
    """A service that does not exist yet; nothing of it is left afterwards, and it has not told its secret."""
    image = ready.image("tiny")
    path = [*ansible.module_utils.__path__, str(PLUGINS / "module_utils")]
    with ready.mark() as labels, mock.patch.object(ansible.module_utils, "__path__", path):
        made = Box(image, labels)
        yield made
        assert CANARY not in made.said
