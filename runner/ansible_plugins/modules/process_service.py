#!/usr/bin/python
"""Ansible module: one service of the `process` engine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: process_service
short_description: Runs a Python service in an environment of its own, kept alive by supervisord
description:
  - O(state=installed) makes the environment with uv, one folder for each set of packages, so that the running
    service is not touched. O(state=started) writes the program, starts it, waits until it is healthy, and only then
    writes the digest into the mark; when the new one does not become healthy the previous one is put back.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  home: {type: path, required: true, description: Folder of all services of one repository on this machine.}
  repo: {type: str, required: true, description: Id of the repository; part of the mark.}
  name: {type: str, required: true, description: Name of the deployment.}
  state:
    type: str
    choices: [installed, started, stopped, restarted, absent]
    default: started
    description: What it should be afterwards.
  digest: {type: str, default: '', description: Fingerprint of what is wanted; written when it is healthy.}
  packages: {type: list, elements: str, default: [], description: Python packages, pinned.}
  command: {type: list, elements: str, default: [], description: Argument vector; the first is looked up on its PATH.}
  env: {type: dict, default: {}, description: Environment of the service. Values may be secret.}
  secret_env:
    type: list
    elements: str
    description: Names in O(env) whose values are secret and masked in messages; without it all of them are.
  health:
    type: dict
    default: {}
    description: 'Health check: host, port, protocol, path, status, timeout_s, stable_s (how long it must go on).'
  uv: {type: str, default: uv, description: Path of uv.}
"""

EXAMPLES = r"""
- name: Ensure the notebook is running and healthy
  process_service:
    home: /home/me/.local/share/slipway/demo
    repo: demo
    name: notebook
    state: started
    packages: [jupyterlab==4.6.6]
    command: [jupyter, lab, --no-browser]
    health: {host: 127.0.0.1, port: 8888, protocol: http, path: /api, status: 200, timeout_s: 60}
"""

RETURN = r"""
log:
  description: Where the service's output goes.
  returned: always
  type: str
health:
  description: What the health check said.
  returned: when started
  type: str
last_lines:
  description: The end of what it said, without the secrets that it was given.
  returned: failure
  type: str
rolled_back:
  description: Whether the version before was put back.
  returned: failure
  type: bool
"""

import json
import subprocess
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.process_files import Failure, Service, read
from ansible.module_utils.process_steps import (
    ensure_absent,
    ensure_installed,
    ensure_started,
    ensure_stopped,
    secrets,
)
from ansible.module_utils.supervisor_api import SupervisorUnreachable


def _diff(service, state):
    """Command and packages, never the environment's values."""
    try:
        launch = dict(json.loads(read(service.path("launch.json")) or "{}"))
    except (ValueError, TypeError):  # damaged: it is written again
        launch = {}
    before = {"command": launch.get("command"), "env": sorted(launch.get("env", {})), "state": service.state()}
    after = {"command": service.params["command"], "env": sorted(service.params["env"]), "state": state.upper()}
    return {"before": json.dumps(before, indent=1) + "\n", "after": json.dumps(after, indent=1) + "\n"}


def run(module):
    service = Service(module.params)
    state, check = module.params["state"], module.check_mode
    result = {"log": service.log}
    owner = service.owner()
    if owner:
        message = "%s in %s belongs to the repository %s, and this is %s"
        hint = "give one of the two another providers.local.home, or another name"
        raise Failure(message % (service.name, service.home, owner, service.params["repo"]), "name-taken", hint)
    if module._diff and state in ("started", "restarted"):
        result["diff"] = _diff(service, state)
    if state == "installed":
        result["changed"] = ensure_installed(service, check)
    elif state in ("started", "restarted"):
        installed = ensure_installed(service, check)
        changed, result["health"] = ensure_started(service, check, force=state == "restarted")
        result["changed"] = changed or installed
    elif state == "stopped":
        result["changed"] = ensure_stopped(service, check)
    else:
        result["changed"] = ensure_absent(service, check)
    return result


def main():
    module = AnsibleModule(
        argument_spec={
            "home": {"type": "path", "required": True},
            "repo": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "state": {"choices": ["installed", "started", "stopped", "restarted", "absent"], "default": "started"},
            "digest": {"type": "str", "default": ""},
            "packages": {"type": "list", "elements": "str", "default": []},
            "command": {"type": "list", "elements": "str", "default": []},
            "env": {"type": "dict", "default": {}, "no_log": True},
            "secret_env": {"type": "list", "elements": "str"},
            "health": {"type": "dict", "default": {}},
            "uv": {"type": "str", "default": "uv"},
        },
        supports_check_mode=True,
    )
    # Ansible would mask every value of env wherever it appears: a variable with the value 1 would blank out each 1.
    module.no_log_values = set(secrets(module.params))
    shown = {"module_args": {**module.params, "env": sorted(module.params["env"])}}
    started = time.monotonic()
    try:
        result = run(module)
    except Failure as failure:
        more = {"last_lines": failure.log, "rolled_back": failure.rolled_back, "invocation": shown}
        module.fail_json(msg=str(failure), cause=failure.cause, hint=failure.hint, **more)
    except (OSError, SupervisorUnreachable, subprocess.CalledProcessError) as error:
        module.fail_json(msg="the process engine failed: %s" % error, cause="engine-failed", invocation=shown)
    module.exit_json(seconds=round(time.monotonic() - started, 2), invocation=shown, **result)


if __name__ == "__main__":
    main()
