#!/usr/bin/python
"""Ansible module: the settings of the Docker engine, merged with what is there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_settings
short_description: Ensures settings of the Docker engine in its daemon.json
description:
  - Objects are merged, other values replaced, and what nobody asked for stays.
  - Restarts nothing; RV(restart) says whether a reload of the engine is enough. One that cannot check a file (before
    Docker 23) has to be restarted to see whether it still starts.
  - The previous file is kept beside it until the next change, and O(state=restored) puts it back, so that an engine
    that does not start with the new settings can be had back.
  - Where the engine can check a file (Docker 23 and newer) it is asked before anything is replaced.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the names of what differs; values may hold the login of a proxy.
options:
  settings: {type: dict, default: {}, description: What must be set.}
  state: {type: str, choices: [merged, restored], default: merged, description: V(restored) undoes the last change.}
  path: {type: path, default: /etc/docker/daemon.json, description: The engine's file.}
"""

EXAMPLES = r"""
- name: Ensure the engine's settings are as wanted
  docker_settings:
    settings: {live-restore: true}
  notify: Have the engine take its settings over
"""

RETURN = r"""
keys:
  description: What differed.
  returned: success
  type: list
restart:
  description: Whether the engine has to be restarted for it; else a reload is enough.
  returned: success
  type: bool
"""

import os
import tempfile

from ansible.module_utils import modes
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.engine_settings import SettingsError, as_text, changed_keys, merged, needs_restart, parse

PREVIOUS = ".previous"
ABSENT = "absent\n"
"""In place of the previous file when there was none."""
UNKNOWN_OPTION = "unknown flag"


def merge(module):
    """Reach the state; what to answer."""
    path = module.params["path"]
    text = _read(path)
    before = parse(text or "", path)
    after = merged(before, module.params["settings"])
    keys = changed_keys(before, after)
    checked = bool(keys) and _checked_by_engine(module, as_text(after))
    if keys and not module.check_mode:
        modes.folders(os.path.dirname(path))
        _write(module, path + PREVIOUS, ABSENT if text is None else text, mode=0o600)
        _write(module, path, as_text(after))
    return _answer(keys, restart=needs_restart(keys) or (bool(keys) and not checked))


def restore(module):
    """Put the previous file back, or remove ours when there was none."""
    path = module.params["path"]
    previous, now = _read(path + PREVIOUS), _read(path)
    if previous is None:
        return _answer([])
    keys = changed_keys(parse(now or "", path), {} if previous == ABSENT else parse(previous, path + PREVIOUS))
    if not module.check_mode:
        if previous == ABSENT:
            os.unlink(path)
        else:
            _write(module, path, previous)
        os.unlink(path + PREVIOUS)
    return _answer(keys)


def _answer(keys, *, restart=True):
    diff = {"before": "", "after": "".join("%s\n" % key for key in keys)}
    return {"changed": bool(keys), "keys": keys, "restart": restart, "diff": diff}


def _checked_by_engine(module, text):
    """Whether it could; raises SettingsError when it refuses them."""
    program = module.get_bin_path("dockerd", opt_dirs=["/usr/sbin", "/usr/local/bin"])
    if not program:
        return False
    temporary = _temporary(text)
    try:
        code, out, err = module.run_command([program, "--validate", "--config-file", temporary])
    finally:
        os.unlink(temporary)
    said = (out + err).strip()
    if UNKNOWN_OPTION in said:
        return False
    if code:
        raise SettingsError("the engine refuses these settings, nothing was changed: %s" % said)
    return True


def _write(module, path, text, mode=0o644):
    """At once or not at all. Mode and owner of an existing file stay."""
    new = not os.path.exists(path)
    module.atomic_move(_temporary(text), path)
    if new:
        os.chmod(path, mode)


def _temporary(text):
    descriptor, path = tempfile.mkstemp(prefix="slipway-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _read(path):
    """None when there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return None


def main():
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "dict", "default": {}},
            "state": {"type": "str", "choices": ["merged", "restored"], "default": "merged"},
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
        },
        supports_check_mode=True,
    )
    try:
        answer = (merge if module.params["state"] == "merged" else restore)(module)
    except SettingsError as error:
        module.fail_json(msg=str(error), cause="docker-settings")
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
