"""Marks are files and labels that anybody may have written: damage shows, and stops nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.ansible_plugins.module_utils import host_observer, systemd_units
from runner.ansible_plugins.module_utils.expose_tree import ports
from runner.ansible_plugins.module_utils.process_files import digest_of
from runner.engines import docker, process
from runner.readback import UNNAMED

MARKS = [
    b"",
    b"null",
    b"7",
    b"[]",
    b"{",
    b"[" * 5000,
    b"\xff",
    b'{"digest": null}',
    b'{"digest": ["x"]}',
    b'{"state": 7}',
    b'{"repo": null}',
]


@pytest.mark.parametrize("mark", MARKS)
def test_damaged_mark_of_a_process_is_unfinished_work(tmp_path: Path, mark: bytes) -> None:
    for name in ("web", "Not_A_Name", "..."):
        (tmp_path / "services" / name).mkdir(parents=True)
    (tmp_path / "services" / "web" / "mark.json").write_bytes(mark)
    [found] = process.list_services(tmp_path, "shop", "local")
    assert (found.deployment, found.digest) == ("web", "")


def test_mark_never_renames_its_service(tmp_path: Path) -> None:
    (tmp_path / "services" / "web").mkdir(parents=True)
    mark = {"repo": "shop", "deployment": "../../other", "digest": "d1", "state": "stopped"}
    (tmp_path / "services" / "web" / "mark.json").write_text(json.dumps(mark))
    [found] = process.list_services(tmp_path, "shop", "local")
    assert (found.deployment, found.digest) == ("web", "d1")


@pytest.mark.parametrize("mark", MARKS[:-1])
def test_module_takes_a_damaged_mark_for_none(mark: bytes) -> None:
    assert digest_of(mark.decode("utf-8", "replace")) == ""


def container(**more: Any) -> dict[str, Any]:
    labels = {"slipway-deployment": "web", "slipway-digest": "d1"}
    known = {"Id": "ab" * 32, "Names": ["/x"], "Image": "i", "State": "running", "Status": "Up", "Created": 1}
    return {**known, "Labels": labels, **more}


@pytest.mark.parametrize(
    "labels",
    [None, {}, {"slipway-deployment": "../../x"}, {"slipway-deployment": ""}, {"slipway-deployment": "\x1b[2J"}],
)
def test_container_without_a_proper_name_is_nobodys(labels: Any) -> None:
    found = docker.resources([container(), container(Labels=labels)], "local")
    assert {resource.deployment for resource in found} == {"web", UNNAMED}


@pytest.mark.parametrize("label", ["", "null", "[]", "{", "[" * 5000, '{"port": "x"}', '{"host": null, "port": 1}'])
def test_damaged_health_label_is_told_and_stops_no_other(label: str) -> None:
    labels = {"slipway-deployment": "web", "slipway-health": label}
    other = {"slipway-deployment": "other", "slipway-health": label}
    found = host_observer._health([container(Labels=labels), container(Labels=other)], [])
    assert set(found) == ({"web", "other"} if label else set())
    assert all(state == "unhealthy" for state, _ in found.values())


@pytest.mark.parametrize("mark", [*MARKS, b'{"repo": "shop"}', b'{"repo": "shop", "deployment": "../../x"}'])
def test_damaged_mark_of_a_script_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: bytes) -> None:
    monkeypatch.setattr(systemd_units, "HOME", str(tmp_path))
    monkeypatch.setattr(systemd_units, "show", lambda units: {})
    for name, text in (("shop-bad", mark), ("shop-good", b'{"repo": "shop", "deployment": "good", "digest": "d1"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mark.json").write_bytes(text)
    assert [unit["deployment"] for unit in systemd_units.units("shop")] == ["good"]


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "{}", '{"site": "a.b", "port": "443"}'])
def test_damaged_file_of_one_site_is_not_open_and_stops_no_other(text: str) -> None:
    good = json.dumps({"site": "shop.web", "host": "x", "named": False, "port": 443, "cidr": []})
    assert ports({"443/shop.web.json": good, "444/shop.bad.json": text}) == [443]
