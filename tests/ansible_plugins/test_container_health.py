"""The verdict on a container that is still starting, where the engine itself falters."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.ansible_plugins.module_utils.container_health import alive, named
from tests.ansible_plugins.test_docker_api import engine


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (500, b'{"message": "context deadline exceeded"}', ""),
        (200, b'{"State": {"Running": true, "Restarting": false}}', ""),
        (200, b'{"State": {"Running": true, "Restarting": true, "ExitCode": 3}}', "ended by itself with exit code 3"),
        (200, b'{"State": {"OOMKilled": true}}', "ran out of memory"),
        (404, b'{"message": "No such container"}', "ended by itself"),
    ],
)
def test_only_the_containers_own_end_ends_the_wait(tmp_path: Path, status: int, body: bytes, verdict: str) -> None:
    with engine(tmp_path, lambda _: (status, body)) as (docker, _):
        reason = alive(docker, "web")()
    assert verdict in reason if verdict else not reason


def test_whoever_wants_to_see_more_is_led_to_the_right_log() -> None:
    labels = {"slipway-deployment": "chat"}
    assert named(labels, "slipway-demo-chat") == "chat"
    assert named({**labels, "slipway-companion": "web"}, "slipway-demo-chat.web") == "chat --companion web"
    assert named({}, "mine") == "mine"
