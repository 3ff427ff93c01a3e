"""Records of deployments of the catalogue's templates, as an apply would leave them: without machines and programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from runner import access, specs
from runner.domain import Record
from tests.small import Small
from tests.test_templates import EXAMPLES, FOLDER, TEMPLATES

TUNNELLED = {
    "id": "x",
    "host": "box",
    "address": "192.0.2.1",
    "user": "root",
    "port": 22,
    "engine": "docker",
    "tunnel": True,
}
HERE = {"id": "process", "address": "127.0.0.1", "engine": "process"}


def source(name: str) -> dict[str, Any]:
    """What panels of a template are made of."""
    return access.source(yaml.safe_load((FOLDER / f"{name}.yaml").read_text()))


def record(
    folder: Path, name: str, *, opened: dict[str, Any] | None = None, ports: dict[str, int] | None = None, **more: Any
) -> Record | None:
    """The record of one deployment, called `mine`; None where its file has a fault. `opened` is its access; without, it
    is reached by tunnel.
    """
    small = Small(folder)
    small.write(f"templates/{name}.yaml", (FOLDER / f"{name}.yaml").read_text())
    needed = {key: EXAMPLES[key] for key, param in TEMPLATES[name].params.items() if param.required}
    wanted = {
        "template": name,
        "provider": "ssh",
        "machine": {"address": "192.0.2.1", "gpu": "L4"},
        "params": {**needed, **more.pop("params", {})},
        "ports": ports or {},
        **({"access": opened} if opened else {}),
        **more,
    }
    small.deployment("mine", yaml.safe_dump(wanted))
    loaded = small.load()
    if loaded.problems:
        return None
    want = loaded.desired["mine"]
    return Record(
        deployment="mine",
        provider="ssh",
        state="running",
        digest=want.digest,
        spec=want.spec,
        machine=TUNNELLED,
        endpoints=specs.endpoints(want.spec, "127.0.0.1", "127.0.0.1"),
        price=want.price,
        owner=want.owner,
        file=want.file,
    )
