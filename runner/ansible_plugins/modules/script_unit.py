#!/usr/bin/python
"""Ansible module: a script that systemd runs, unprivileged and confined."""

from __future__ import annotations

DOCUMENTATION = r"""
module: script_unit
short_description: Runs a pinned script as a confined systemd unit, and proves that it is healthy
description:
  - The script runs as a user that exists only for it, sees the system read-only and no home folders, has no
    capabilities, and writes to a folder of its own. When a new version does not become healthy, or listens to the
    outside, the previous one is put back.
  - A unit or folder of this name that belongs to somebody else is never touched.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  repo: {type: str, required: true, description: Id of the repository; part of the mark.}
  name: {type: str, required: true, description: Name of the deployment.}
  state:
    type: str
    choices: [prepared, started, stopped, restarted, absent]
    default: started
    description: >-
      What it should be afterwards. V(prepared) is a folder that carries the mark, so that what does not get any
      further is found again.
  digest: {type: str, default: '', description: Fingerprint of what is wanted; written when it is healthy.}
  script: {type: path, description: The script on this host.}
  sha256: {type: str, default: '', description: 'Its checksum; with another one it does not run.'}
  arguments: {type: list, elements: str, default: [], description: What it is called with.}
  env: {type: dict, default: {}, description: Its environment. Values may be secret.}
  secret_env:
    type: list
    elements: str
    description: Names in O(env) whose values are secret and masked in messages; without it all of them are.
  ports: {type: list, elements: int, default: [], description: The ports that it may listen on.}
  health:
    type: dict
    default: {}
    description: 'Health check: host, port, protocol, path, status, timeout_s, stable_s (how long it must go on).'
  remove_data: {type: bool, default: true, description: With O(state=absent) what the script has written goes too.}
"""

EXAMPLES = r"""
- name: Ensure the script is running and healthy
  script_unit:
    repo: demo
    name: board
    script: /var/lib/slipway/units/demo-board/3f0c….sh
    sha256: 3f0c…
    ports: [8091]
    health: {host: 127.0.0.1, port: 8091, protocol: http, path: /, status: 200, timeout_s: 60}
"""

RETURN = r"""
unit:
  description: What systemd calls it.
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
differences:
  description: What is not as it was written, as field, before and after; no value of the environment is in it.
  returned: when started
  type: list
"""

import hashlib
import json
import os
import shutil
import subprocess
import time
from typing import Dict

from ansible.module_utils import modes
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.health_probe import wait
from ansible.module_utils.listening import exposed
from ansible.module_utils.program_log import READ, because, end
from ansible.module_utils.restarts import MANY
from ansible.module_utils.systemd_units import MARK, folder, read_mark, restarts, show, state, unit_name
from ansible.module_utils.unit_text import environment_text, unit_text

UNITS = "/etc/systemd/system"
DATA = "/var/lib/private"
PUT_BACK = "The previous version was put back"
UNHEALTHY = "unhealthy"
SHORT = 4
MASK = "•••"
HIDDEN = "********"


class Failure(Exception):
    """A foreseeable failure, with its cause and what to do."""

    def __init__(self, message, hint="", cause="", log="", *, rolled_back=False):
        super().__init__(message)
        self.hint, self.cause = hint, cause
        self.log, self.rolled_back = log, rolled_back


class Service:
    """The files and the unit of one deployment."""

    def __init__(self, params):
        self.params = params
        self.unit = unit_name(params["repo"], params["name"])
        self.home = folder(params["repo"], params["name"])
        self.mark = os.path.join(self.home, MARK)
        self.files = {
            "unit": (os.path.join(UNITS, self.unit), 0o644),
            "environment": (os.path.join(self.home, "environment"), 0o600),
        }

    def wanted(self):
        """The texts of its files. Raises Failure for what systemd cannot be told."""
        params, stem = self.params, self.unit[: -len(".service")]
        environment = self.files["environment"][0]
        command = ["/bin/bash", params["script"], *params["arguments"]]
        try:
            return {
                "unit": unit_text(params["name"], stem, command, environment, params["ports"]),
                "environment": environment_text(params["env"]),
            }
        except ValueError as error:
            raise Failure(str(error)) from error

    def present(self):
        """The texts that are there; None for a file that is not."""
        return {key: _read(path) for key, (path, _) in self.files.items()}

    def write(self, texts):
        for key, (path, mode) in self.files.items():
            _write(path, texts[key], mode)
        _systemctl("daemon-reload")

    def write_mark(self, digest, wanted):
        mark = {"repo": self.params["repo"], "deployment": self.params["name"], "digest": digest, "wanted": wanted}
        mark["health"] = self.params["health"] or read_mark(self.mark).get("health", {})
        if read_mark(self.mark) != mark:
            _write(self.mark, json.dumps(mark, sort_keys=True), 0o644)
            return True
        return False

    def facts(self):
        return show([self.unit]).get(self.unit, {})

    def state(self):
        return state(self.facts())[0]


def _read(path):
    try:
        with open(
            path, newline="", encoding="utf-8", errors="replace"
        ) as stream:  # as it is: values may have line ends of Windows
            return stream.read()
    except FileNotFoundError:
        return None


def _write(path, text, mode):
    modes.folders(os.path.dirname(path))
    temporary = path + ".tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(temporary, mode)
    os.replace(temporary, path)


def _systemctl(*words):
    code, _, err = _said("systemctl", *words)
    if code:
        raise Failure("systemctl %s: %s" % (words[0], err.strip() or "it failed"))


def _said(*command):
    """(code, standard output, standard error) of a program, which may say bytes of any kind."""
    pipe = subprocess.PIPE
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def require_own(service):
    """Names are joined with a dash, so those of two repositories, or of us and something else, can be the same."""
    params, mark = service.params, read_mark(service.mark)
    hint = "give one of the two another name"
    if mark and (mark.get("repo"), mark.get("deployment")) != (params["repo"], params["name"]):
        owner = "%s of the repository %s" % (mark.get("deployment"), mark.get("repo"))
        raise Failure("%s on this host belongs to %s" % (service.unit, owner), hint)
    if not mark and service.present()["unit"] is not None:
        path = service.files["unit"][0]
        raise Failure("there is a unit %s that is not ours" % service.unit, "%s, or remove %s" % (hint, path))


def ensure_prepared(service, check):
    if read_mark(service.mark):
        return False
    if not check:
        service.write_mark("", "started")
    return True


def ensure_started(service, check, force):
    """Write, start, wait, mark. Returns (changed, health)."""
    params, before, after = service.params, service.present(), service.wanted()
    runs, mark = service.state() in ("running", "pending"), read_mark(service.mark)
    if runs and before == after and not force and mark.get("digest") and mark.get("wanted") == "started":
        healthy, detail = _healthy(service, 2, stable_s=0)
        if healthy and restarts(service.facts()) < MANY and not exposed(params["ports"]):
            changed = mark["digest"] != params["digest"] or mark["health"] != params["health"]
            if not check:
                service.write_mark(params["digest"], "started")
            return changed, detail
    if check:
        return True, "not checked in check mode"
    _require_pinned(params)
    service.write_mark("", "started")
    began = time.time()
    try:
        detail = _replaced(service, after)
    except Failure as failure:
        said = _log(service, began)
        now = _restored(service, before, runs)
        message = "%s%s. %s" % (failure, because(said) if failure.cause == UNHEALTHY else "", now)
        raise Failure(message, failure.hint, failure.cause, end(said), rolled_back=now == PUT_BACK) from failure
    service.write_mark(params["digest"], "started")
    _drop_old_scripts(service)
    return True, detail


def _differences(before, after):
    """Line by line of the unit; of the environment, only that it differs."""
    old, new = _settings(before["unit"]), _settings(after["unit"])
    keys = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    found = [{"field": "unit." + key, "before": old.get(key), "after": new.get(key)} for key in keys]
    if before["environment"] != after["environment"]:
        found.append({"field": "environment", "before": HIDDEN, "after": HIDDEN + " (others)"})
    return found


def _open_ports(ports):
    """What is reached from outside though it was not when it was started."""
    return [
        {"field": "listens", "before": "%s:%d" % (address, port), "after": "127.0.0.1:%d" % port}
        for address, port in exposed(ports)
    ]


def _settings(text):
    """Name → value of a unit's lines; what is there several times, together."""
    found: Dict[str, str] = {}
    for line in (text or "").splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            found[name] = " ".join(filter(None, [found.get(name), value]))
    return found


def _require_pinned(params):
    with open(params["script"], "rb") as stream:
        found = hashlib.sha256(stream.read()).hexdigest()
    if found != params["sha256"]:
        hint = "read what changed; if it is meant, write its checksum: %s" % found
        raise Failure("the script is not the one that was pinned", hint)


def _replaced(service, texts):
    """Run the new version instead of the old one. Returns what its health check said. Raises Failure."""
    if service.present()["unit"] is not None:
        _systemctl("stop", service.unit)
    service.write(texts)
    _systemctl("enable", "--quiet", service.unit)
    _systemctl("start", service.unit)
    healthy, detail = _healthy(service, service.params["health"].get("timeout_s", 60))
    if not healthy:
        raise Failure(detail, "see all that it said: runner logs %s" % service.params["name"], UNHEALTHY)
    for address, port in exposed(service.params["ports"]):
        hint = "let it listen on 127.0.0.1; runner tunnel leads there, and access: can open it"
        raise Failure("it listens on %s:%d, where everybody can reach it" % (address, port), hint)
    return detail


def _healthy(service, timeout_s, **stable):
    """`stable_s`: how long it must go on after its answer; nothing for what was not started just now."""
    if not service.params["health"]:
        return True, "no health check"

    def alive():
        facts = service.facts()
        word, detail = state(facts)
        before = stable.get("stable_s") == 0  # what was running already may have been started again once
        ended = word in ("failed", "stopped") or (word == "running" and detail)
        ended = ended or (not before and facts.get("NRestarts", "0") != "0")
        return "the script ended by itself with status %s" % facts.get("ExecMainStatus", "?") if ended else ""

    def life():
        facts = service.facts()
        return facts.get("NRestarts"), facts.get("ExecMainPID")

    return wait({**service.params["health"], **stable}, timeout_s, alive, life)


def _restored(service, before, was_running):
    """Put the previous version back, or stop what does not work. The same version that is open again is no way back."""
    same = before == service.wanted() and exposed(service.params["ports"])
    try:
        _systemctl("stop", service.unit)
        _systemctl("disable", "--quiet", service.unit)  # while its own text still says what it is enabled for
        if not was_running or None in before.values() or same:
            return "It was stopped again"
        service.write(before)
        _systemctl("enable", "--quiet", service.unit)
        _systemctl("start", service.unit)
    except Failure as failure:
        return "The previous version could not be put back: %s" % failure
    return PUT_BACK


def _log(service, since):
    """The end of what was said since, without the secrets that it was given."""
    command = ["journalctl", "--quiet", "--output=cat", "--lines=%d" % READ, "--since=@%d" % since]
    said = _said(*command, "--unit", service.unit)[1]
    for value in _secrets(service.params):
        said = said.replace(value, MASK)
    return said.splitlines()


def _secrets(params):
    """The values that must not be shown, longest first."""
    env, names = params["env"], params["secret_env"]
    values = {str(value) for name, value in env.items() if names is None or name in names}
    return sorted((value for value in values if len(value) >= SHORT), key=len, reverse=True)


def _drop_old_scripts(service):
    for entry in os.listdir(service.home):
        path = os.path.join(service.home, entry)
        if entry.endswith(".sh") and path != service.params["script"]:
            os.unlink(path)


def ensure_stopped(service, check):
    """It does not come back with the machine. The mark keeps its digest for the next start."""
    mark = read_mark(service.mark)
    if not mark and service.present()["unit"] is None:
        return False
    changed = service.state() != "stopped" or mark.get("wanted") != "stopped"
    if changed and not check:
        _systemctl("disable", "--quiet", "--now", service.unit)
        service.write_mark(mark.get("digest", ""), "stopped")
    return changed


def ensure_absent(service, check):
    """Unit, script, environment and, unless they shall stay, its data. The mark goes last."""
    there = os.path.exists(service.home) or service.present()["unit"] is not None
    if there and not check:
        if service.present()["unit"] is not None:
            _systemctl("disable", "--quiet", "--now", service.unit)
            os.unlink(service.files["unit"][0])
            _systemctl("daemon-reload")
        if service.params["remove_data"]:
            stem = service.unit[: -len(".service")]
            shutil.rmtree(os.path.join(DATA, stem), ignore_errors=True)
            link = os.path.join(os.path.dirname(DATA), stem)
            if os.path.islink(link):
                os.unlink(link)
        for entry in sorted(os.listdir(service.home), key=lambda name: name == MARK):
            os.unlink(os.path.join(service.home, entry))
        os.rmdir(service.home)
    return there


def run(module):
    service = Service(module.params)
    wanted, check = module.params["state"], module.check_mode
    result = {"unit": service.unit}
    require_own(service)
    if wanted in ("started", "restarted"):
        result["differences"] = _differences(service.present(), service.wanted()) + _open_ports(service.params["ports"])
        result["changed"], result["health"] = ensure_started(service, check, force=wanted == "restarted")
    elif wanted == "prepared":
        result["changed"] = ensure_prepared(service, check)
    elif wanted == "stopped":
        result["changed"] = ensure_stopped(service, check)
    else:
        result["changed"] = ensure_absent(service, check)
    return result


def main():
    module = AnsibleModule(
        argument_spec={
            "repo": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "state": {"choices": ["prepared", "started", "stopped", "restarted", "absent"], "default": "started"},
            "digest": {"type": "str", "default": ""},
            "script": {"type": "path"},
            "sha256": {"type": "str", "default": ""},
            "arguments": {"type": "list", "elements": "str", "default": []},
            "env": {"type": "dict", "default": {}, "no_log": True},
            "secret_env": {"type": "list", "elements": "str"},
            "ports": {"type": "list", "elements": "int", "default": []},
            "health": {"type": "dict", "default": {}},
            "remove_data": {"type": "bool", "default": True},
        },
        required_if=[("state", "started", ["script"]), ("state", "restarted", ["script"])],
        supports_check_mode=True,
    )
    # Ansible would mask every value of env wherever it appears: a variable with the value 1 would blank out each 1.
    module.no_log_values = set(_secrets(module.params))
    shown = {"module_args": {**module.params, "env": sorted(module.params["env"])}}
    try:
        result = run(module)
    except Failure as failure:
        more = {"last_lines": failure.log, "rolled_back": failure.rolled_back, "invocation": shown}
        module.fail_json(msg=str(failure), cause=failure.cause, hint=failure.hint, **more)
    except OSError as error:
        module.fail_json(msg="systemd cannot be used: %s" % error, invocation=shown)
    module.exit_json(invocation=shown, **result)


if __name__ == "__main__":
    main()
