"""What Ansible gets to know of each deployment: one host with a few variables. Pure data, no secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner import access, yamlfile
from runner.domain import Action, Desired, Kind, Record
from runner.load import Loaded
from runner.records import EXPOSED

GROUPS_OF_KIND: dict[Kind, tuple[str, ...]] = {
    Kind.DESTROY: ("slipway_destroy",),
    Kind.REPLACE: ("slipway_destroy", "slipway_converge"),
    Kind.CREATE: ("slipway_converge",),
    Kind.UPDATE: ("slipway_converge",),
    Kind.ADOPT: ("slipway_converge",),
    Kind.START: ("slipway_start",),
    Kind.RESTART: ("slipway_start",),
    Kind.STOP: ("slipway_stop",),
}

Hosts = dict[str, dict[str, Any]]


def hosts_for_actions(loaded: Loaded, records: Mapping[str, Record], actions: tuple[Action, ...]) -> Hosts:
    """The hosts of one apply."""
    hosts = {}
    for action in actions:
        told = _variables(loaded, action.deployment, records.get(action.deployment), str(action.kind))
        groups = _groups(GROUPS_OF_KIND[action.kind], told)
        hosts[action.deployment] = {"groups": groups, "vars": {**told, "slipway_provider": action.provider}}
    return hosts


def hosts_for_states(loaded: Loaded, groups: Mapping[str, str]) -> Hosts:
    """All deployments, grouped by the state they should have."""
    hosts = {}
    for name, item in loaded.desired.items():
        told = _variables(loaded, name, None, item.state)
        hosts[name] = {"groups": _groups((groups[item.state],), told), "vars": told}
    return hosts


def _groups(of_kind: Sequence[str], told: Mapping[str, Any]) -> list[str]:
    """With `slipway_close`, where something may be open that is to be reached by tunnel only."""
    stays = "slipway_converge" in of_kind or "slipway_start" in of_kind
    shut = stays and told["slipway_exposed"] and told["slipway_spec"]["access"]["expose"] == "tunnel"
    return [*of_kind, "slipway_close"] if shut else list(of_kind)


def _variables(loaded: Loaded, name: str, record: Record | None, purpose: str) -> dict[str, Any]:
    """`slipway_*` variables. How to connect is known only once there is a machine: `group_vars/all/connection.yaml`."""
    want: Desired | None = loaded.desired.get(name)
    spec = want.spec if want is not None else record.spec if record is not None else {}
    return {
        "slipway_machine": None,
        "slipway_provider": record.provider if record is not None else "",
        "slipway_root": str(loaded.repo.root),
        "slipway_repo": loaded.repo_id,
        "slipway_deployment": name,
        "slipway_purpose": purpose,
        "slipway_settings": loaded.settings,
        "slipway_spec": spec,
        "slipway_digest": want.digest if want is not None else "",
        "slipway_state": want.state if want is not None else "absent",
        "slipway_protect": want.protect if want is not None else False,
        "slipway_price": want.price if want is not None else None,
        "slipway_owner": want.owner if want is not None else "",
        "slipway_exposed": _may_be_exposed(record, purpose),
        "slipway_panel": _panel_source(loaded, spec),
        "slipway_file": want.file if want is not None else record.file if record is not None else "",
    }


def _may_be_exposed(record: Record | None, purpose: str) -> bool:
    """Whether something of it may be open to callers from outside, which must be closed when it is not wanted. What is
    new has nothing to close; where a record is missing or unfinished, nobody knows.
    """
    if record is None:
        return purpose != str(Kind.CREATE)
    return not record.spec or EXPOSED in record.machine


def _panel_source(loaded: Loaded, spec: dict[str, Any]) -> dict[str, Any]:
    """What the access page is made of. The template was checked when it was loaded, so it is only parsed here."""
    path = loaded.repo.templates / f"{spec.get('template', '')}.yaml"
    return access.source(yamlfile.parse(yamlfile.read(path))) if path.is_file() else {}
