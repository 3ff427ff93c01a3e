"""Volumes of ours under a service that is not root: given to it while they are empty, and never after."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runner.ansible_plugins.module_utils import volume_owner
from runner.ansible_plugins.module_utils.volume_owner import Account, Folder
from tests.ansible_plugins.box import Box
from tests.ansible_plugins.box import box as make_box

PASSWD = "root:x:0:0:root:/root:/bin/sh\njovyan:x:1000:100::/home/jovyan:/bin/bash\nodd\n"
GROUP = "root:x:0:\nusers:x:100:\nmodels:x:2000:jovyan\n"
WRITES = ["sh", "-c", "touch /data/mine && exec httpd -f -p 8080 -h /data"]


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ("1000", Account(1000, 100)),
        ("1234", Account(1234, 0)),
        ("1000:7", Account(1000, 7)),
        ("jovyan", Account(1000, 100)),
        ("jovyan:models", Account(1000, 2000)),
        ("jovyan:0", Account(1000, 0)),
        ("nobody", None),
        ("1000:nogroup", None),
    ],
)
def test_user_in_numbers(user: str, account: Account | None) -> None:
    assert volume_owner.resolve(user, PASSWD, GROUP) == account


@pytest.mark.parametrize(
    ("owner", "mode", "writable"),
    [
        ((0, 0), 0o755, False),
        ((0, 0), 0o777, True),
        ((1000, 0), 0o700, True),
        ((0, 100), 0o775, True),
        ((0, 100), 0o755, False),
        ((0, 0), 0o775, False),
    ],
)
def test_who_may_write(owner: tuple[int, int], mode: int, writable: bool) -> None:
    assert volume_owner.writable(Folder(Account(*owner), mode, empty=True), Account(1000, 100)) is writable


@pytest.fixture
def box() -> Iterator[Box]:
    with make_box() as made:
        yield made


def owner(box: Box) -> str:
    folder = volume_owner._folder(box.docker, box.name, "/data")
    assert folder
    return f"{folder.account.uid}:{folder.account.gid} {folder.mode:o}"


@pytest.mark.docker
@pytest.mark.parametrize("user", ["1000:1000", "1000"])
def test_new_volume_belongs_to_the_user_of_the_service(box: Box, user: str) -> None:
    answer = box.call(user=user, command=WRITES)
    assert (answer.get("failed"), box.status()) == (None, "running")
    assert owner(box).startswith("1000:")
    assert not box.call(user=user, command=WRITES)["changed"]


@pytest.mark.docker
def test_volume_of_root_stays_with_root(box: Box) -> None:
    box.call()
    assert owner(box) == "0:0 755"


@pytest.mark.docker
def test_volume_with_data_is_left_alone_and_the_failure_says_why(box: Box) -> None:
    box.call(command=WRITES)  # as root
    health = {"kind": "http", "host": "127.0.0.1", "port": box.wanted["ports"][0]["host"], "path": "/", "timeout_s": 2}
    answer = box.call(user="1000:1000", command=["sh", "-c", "touch /data/other; sleep 1000"], health=health)
    assert (answer["failed"], answer["cause"]) == (True, "unhealthy")
    assert "the volume at /data belongs to user 0, and the service runs as user 1000" in answer["msg"]
    assert f"chown -v {box.volume}:/v {box.image} -R 1000:1000 /v" in answer["msg"]
    assert owner(box) == "0:0 755"
