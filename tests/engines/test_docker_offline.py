"""The controller's view without an engine."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from runner.ansible_plugins.module_utils.docker_socket import DockerError, DockerUnreachable
from runner.engines import docker
from runner.engines.docker import DockerEngine
from runner.errors import CredentialsError, GoneError, ProviderError

RESTARTS = {"slipway-config": '{"restart": "unless-stopped"}'}


def test_unreachable_engine_is_an_error_and_a_reason() -> None:
    engine = DockerEngine("/nowhere/docker.sock")
    assert "install Docker" in engine.available()
    with pytest.raises(ProviderError, match="does not exist") as caught:
        engine.list("demo", "local")
    assert caught.value.code == "engine-unreachable"


def test_import_is_cheap() -> None:
    program = "import sys, runner.engines.docker; print({'http.client', 'pydantic', 'ssl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("word", "text", "labels", "state"),
    [
        ("running", "Up 2 hours", {}, "running"),
        ("running", "Up 2 hours (healthy)", {}, "running"),
        ("running", "Up 2 hours (unhealthy)", {}, "failed"),
        ("running", "Up 1 second (health: starting)", {}, "pending"),
        ("created", "Created", {}, "pending"),
        ("restarting", "Restarting (1) 5 seconds ago", {}, "running"),
        ("removing", "Removal In Progress", {}, "pending"),
        ("paused", "Up 2 hours (Paused)", {}, "stopped"),
        ("exited", "Exited (0) 3 days ago", {}, "stopped"),
        ("exited", "Exited (137) 3 days ago", {}, "stopped"),
        ("exited", "Exited (143) 3 days ago", {}, "stopped"),
        ("exited", "Exited (1) 3 days ago", {}, "failed"),
        ("exited", "Exited (1) 3 days ago", RESTARTS, "stopped"),
        ("exited", "Exited (127) 3 days ago", RESTARTS, "failed"),
        ("exited", "Exited (1) 3 days ago", {"slipway-config": "not JSON"}, "failed"),
        ("dead", "Dead", {}, "failed"),
    ],
)
def test_states(word: str, text: str, labels: dict[str, str], state: str) -> None:
    container: dict[str, Any] = {"State": word, "Status": text, "Labels": labels}
    assert docker._state(container)[0] == state


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DockerUnreachable("this user may not", "permission"), CredentialsError),
        (DockerUnreachable("not running", "refused"), ProviderError),
        (DockerError(404, "No such container: x"), GoneError),
        (DockerError(500, "no space left on device"), ProviderError),
    ],
)
def test_errors_are_classed_by_what_happens_next(error: DockerError, kind: type[ProviderError]) -> None:
    assert type(docker.translated(error)) is kind


def test_names() -> None:
    assert docker.container_name("demo", "chat") == "slipway-demo-chat"
    assert docker.mark("demo") == {"managed-by": "slipway", "slipway-repo": "demo"}
