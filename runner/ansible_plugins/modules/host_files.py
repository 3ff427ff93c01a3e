#!/usr/bin/python
"""Ansible module: files of ours on a host, and the unit of systemd that makes use of them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
short_description: Ensures that files have their text, and that the unit which reads them is in force
description:
  - For files that belong together, such as rules and the unit that loads them; one task where C(file), C(copy) and
    C(systemd_service) would be three and more.
  - Folders are made when missing. Each file is replaced at once or not at all.
  - A unit is started, and at every boot; when a file has changed, systemd and the unit read it again.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  files: {type: dict, required: true, description: Path → text. Not for secrets.}
  mode: {type: str, default: '0644', description: Of every file.}
  unit: {type: str, default: '', description: The unit of systemd that uses them; empty when there is none.}
  reload: {type: bool, default: false, description: What the unit had loaded is gone; it has to read its files again.}
  state: {type: str, choices: [present, absent], default: present, description: V(absent) also stops the unit.}
"""

EXAMPLES = r"""
- name: Ensure the rules are in force, now and at boot
  host_files:
    files: {/etc/example/rules.nft: "{{ rules }}", /etc/systemd/system/example.service: "{{ unit }}"}
    unit: example.service
"""

RETURN = r"""
changed_files:
  description: Those that differed.
  returned: success
  type: list
"""

import os
import tempfile

from ansible.module_utils import modes
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.systemctl import UnitError, Units


def present(module, units):
    """Files first, then the unit; what differed, and whether the unit had to be touched."""
    unit, mode = module.params["unit"], int(module.params["mode"], 8)
    differ = {path: text for path, text in module.params["files"].items() if not _as_wanted(path, text, mode)}
    diff = [_diff(path, _read(path) or "", text) for path, text in differ.items()]
    if not module.check_mode:
        for path, text in differ.items():
            _write(module, path, text, mode)
    again = bool(differ) or module.params["reload"]
    touched = bool(unit) and _in_force(units, unit, new=bool(differ), again=again, check=module.check_mode)
    return {"changed": bool(differ) or touched, "changed_files": sorted(differ), "diff": diff}


def absent(module, units):
    """The unit first: it may need its files to end what it began."""
    unit = module.params["unit"]
    there = sorted(path for path in module.params["files"] if os.path.lexists(path))
    in_force = bool(unit) and (units.active(unit) or units.enabled(unit))
    diff = [_diff(path, _read(path) or "", "") for path in there]
    if not module.check_mode:
        if in_force:
            units.must("disable", "--now", "--quiet", unit)
        for path in there:
            os.unlink(path)
        if there and unit:
            units.must("daemon-reload")
    return {"changed": bool(there) or in_force, "changed_files": there, "diff": diff}


def _in_force(units, unit, *, new, again, check):
    """Whether it was not. systemd itself only reads again what is new: that costs others."""
    enabled, active = units.enabled(unit), units.active(unit)
    if not check:
        if new:
            units.must("daemon-reload")
        if not enabled:
            units.must("enable", "--quiet", unit)
        if again or not active:
            units.must("reload-or-restart" if active else "start", unit)
    return again or not (enabled and active)


def _as_wanted(path, text, mode):
    return _read(path) == text and os.stat(path).st_mode & 0o7777 == mode


def _read(path):
    """None when there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _write(module, path, text, mode):
    modes.folders(os.path.dirname(path))
    descriptor, temporary = tempfile.mkstemp(prefix="slipway-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    module.atomic_move(temporary, path)
    os.chmod(path, mode)


def _diff(path, before, after):
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def main():
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "dict", "required": True},
            "mode": {"type": "str", "default": "0644"},
            "unit": {"type": "str", "default": ""},
            "reload": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    try:
        answer = (present if module.params["state"] == "present" else absent)(module, Units(module.run_command))
    except (OSError, UnitError) as error:
        module.fail_json(msg=str(error), cause="host-files")
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
