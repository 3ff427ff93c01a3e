#!/usr/bin/python
"""Ansible module: one deployment behind the proxy of its host, or no longer behind it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exposure
short_description: Exposes one service of this host by HTTPS, or ends that
description:
  - Writes the files of one site of the proxy, the rules of the firewall first, and has exactly the ports reloaded that
    changed. Proves that the port answers by TLS. When anything fails, the files and rules from before come back.
  - The proxy has one process for each port, so that a change to one site cuts no connection of the others.
  - Needs what the role C(expose) installs, and root.
attributes:
  check_mode:
    support: full
options:
  state: {type: str, choices: [present, absent], default: present}
  site: {type: str, required: true, description: Name of the site; unique on the host.}
  host: {type: str, description: Name or address that callers use.}
  named: {type: bool, default: false, description: Whether host is a domain and not the address of the machine.}
  tls: {type: str, choices: [acme, internal], default: internal}
  acme_directory: {type: str, default: '', description: 'Of the authority; empty is that of Caddy.'}
  acme_email: {type: str, default: ''}
  auth: {type: str, choices: [token, basic, none], default: token}
  user: {type: str, default: slipway, description: Of basic authentication.}
  secret: {type: str, description: Token or password.}
  cidr: {type: list, elements: str, default: [], description: Networks that may connect; empty for everybody.}
  ports: {type: list, elements: dict, default: [], description: Each with port, upstream (of loopback) and protocol.}
  max_body_mb: {type: int, default: 1024}
  timeout_s: {type: int, default: 60, description: How long until the port answers by TLS.}
"""

EXAMPLES = r"""
- name: Ensure the service is exposed
  exposure:
    site: mine-chat
    host: 203.0.113.7
    secret: "{{ token }}"
    ports: [{port: 443, upstream: 11434, protocol: http}]
"""

RETURN = r"""
ca:
  description: Root certificate of the host's own authority, PEM; empty where certificates come from elsewhere.
  returned: success
  type: str
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.expose_files import fault
from ansible.module_utils.expose_proof import proved
from ansible.module_utils.expose_tree import FIREWALL, OPEN, conflict, known_hash, of_port, ports, with_site, without
from ansible.module_utils.password_hash import bcrypt

FOLDER = "/etc/slipway/expose"
ROOT = "/var/lib/slipway-expose/pki/authorities/local/root.crt"
USER = "slipway-expose"
APPLIED = "applied"
"""Port → fingerprint of what its process reads, 0 → that of the firewall's rules, written when they have been read.
Tells what a killed run left half done."""


class ExposureError(Exception):
    """What a person can act on."""


class Proxy:
    """The files of the proxy, and systemd."""

    def __init__(self, module):
        self._module = module

    def read(self):
        """All files, as `expose_tree` describes them."""
        found = {}
        for folder, _, names in os.walk(FOLDER):
            for name in names:
                if name.endswith((".json", ".caddy", ".nft")) or name == "Caddyfile":
                    path = os.path.join(folder, name)
                    with open(path, encoding="utf-8") as file:
                        found[os.path.relpath(path, FOLDER)] = file.read()
        return found

    def applied(self):
        """Port → fingerprint, as far as known."""
        try:
            with open(os.path.join(FOLDER, APPLIED), encoding="utf-8") as file:
                return {int(port): text for port, text in json.load(file).items()}
        except (OSError, ValueError):
            return {}

    def pending(self, tree, numbers):
        """Which of these ports are not served as the files say."""
        done = self.applied()
        return [port for port in numbers if done.get(port) != of_port(tree, port) or not self._active(_unit(port))]

    def apply(self, before, after):
        """Bring files, rules and processes from one state to another: what closes before what opens."""
        gone = [port for port in ports(before) if port not in ports(after)]
        for port in gone:
            self._systemctl("disable", "--now", _unit(port))
        self._write(before, after)
        for port in gone:
            shutil.rmtree(os.path.join(FOLDER, str(port)), ignore_errors=True)
        self._filter(before, after)
        stale = self.pending(after, ports(after))
        for port in stale:
            self._systemctl("enable", _unit(port))
            self._systemctl("reload-or-restart", _unit(port))
        self._note(after)

    def _filter(self, before, after):
        if before.get(OPEN) != after.get(OPEN) and self._active("slipway-firewall.service"):
            self._systemctl("reload", "slipway-firewall.service")
        if FIREWALL not in after:
            self._systemctl("disable", "--now", "slipway-expose-firewall.service")
        elif not self.filtering(after):
            self._systemctl("enable", "slipway-expose-firewall.service")
            self._systemctl("reload-or-restart", "slipway-expose-firewall.service")

    def filtering(self, tree):
        """Whether the rules are in force: somebody else may have flushed them."""
        loaded = self.applied().get(0) == _rules(tree)
        return loaded and self._module.run_command(["nft", "list", "table", "inet", "slipway_expose"])[0] == 0

    def log(self, port):
        """The end of what its process said."""
        command = ["journalctl", "--unit", _unit(port), "--lines=60", "--output=cat", "--no-pager"]
        lines = self._module.run_command(command)[1].splitlines()
        said = [line for line in lines if "error" in line.lower()]
        return " | ".join((said or lines)[-2:])

    def _write(self, before, after):
        owner = pwd.getpwnam(USER)
        for path in before:
            if path not in after:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(FOLDER, path))
        for path, text in after.items():
            folder = os.path.dirname(os.path.join(FOLDER, path))
            os.makedirs(folder, mode=0o750, exist_ok=True)
            os.chown(folder, 0, owner.pw_gid)
            if before.get(path) != text:
                self._replace(path, text, owner.pw_uid if path.endswith((".caddy", "Caddyfile")) else 0)

    def _note(self, tree):
        done = {port: of_port(tree, port) for port in ports(tree)}
        self._replace(APPLIED, json.dumps(dict(done, **{"0": _rules(tree)})), 0)

    @staticmethod
    def _replace(path, text, owner):
        """At once or not at all, and never readable by others: there are tokens in it."""
        full = os.path.join(FOLDER, path)
        temporary = full + ".tmp"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(temporary, owner, 0)
        os.rename(temporary, full)

    def _active(self, unit):
        return self._module.run_command(["systemctl", "is-active", "--quiet", unit])[0] == 0

    def _systemctl(self, *words):
        code, out, err = self._module.run_command(["systemctl", *words])
        if code:
            raise ExposureError("systemctl %s: %s" % (" ".join(words), (err or out).strip().replace("\n", " ")))


def present(module, proxy):
    """The site is there, at exactly its ports."""
    params, before = module.params, proxy.read()
    reason = fault(params) or conflict(before, params)
    if reason:
        raise ExposureError(reason)
    after = with_site(before, params, _proof(params, before))
    mine = ports(after, params["site"])
    changed = before != after or bool(proxy.pending(after, mine)) or not proxy.filtering(after)
    if changed and not module.check_mode:
        try:
            proxy.apply(before, after)
            for port in mine:
                proved(port, params["host"], ROOT if params["tls"] == "internal" else "", params["timeout_s"])
        except (ExposureError, OSError) as error:
            raise ExposureError(_undone(proxy, before, after, mine, error)) from error
    return {"changed": changed, "ca": _read(ROOT) if params["tls"] == "internal" else ""}


def _undone(proxy, before, after, mine, error):
    """What went wrong, after the state from before is back."""
    said = next((text for text in map(proxy.log, mine) if text), "")
    with contextlib.suppress(ExposureError):
        proxy.apply(after, before)
    if "address already in use" in said:
        return (
            "a program of this machine that is not ours listens at port %s already; choose another in access.ports"
            % (" or ".join(map(str, mine)))
        )
    return "it could not be exposed, and is as it was before: %s; the proxy said: %s" % (error, said or "nothing")


def absent(module, proxy):
    """The site is gone, and so is what only it had open."""
    before = proxy.read()
    after = without(before, module.params["site"])
    changed = before != after
    if changed and not module.check_mode:
        proxy.apply(before, after)
    return {"changed": changed, "ca": ""}


def _proof(params, tree):
    if params["auth"] != "basic":
        return params["secret"]
    return bcrypt(params["secret"], known_hash(tree, params["site"]))


def _rules(tree):
    """Fingerprint of the firewall's rules."""
    return hashlib.sha256((tree.get(FIREWALL, "") + tree.get(OPEN, "")).encode()).hexdigest()


def _unit(port):
    return "slipway-expose@%d.service" % port


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


@contextlib.contextmanager
def _alone(module):
    """Several deployments of one host are configured at once."""
    if module.check_mode or not os.path.isdir(FOLDER):
        yield
        return
    descriptor = os.open(os.path.join(FOLDER, "lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "site": {"type": "str", "required": True},
            "host": {"type": "str"},
            "named": {"type": "bool", "default": False},
            "tls": {"type": "str", "choices": ["acme", "internal"], "default": "internal"},
            "acme_directory": {"type": "str", "default": ""},
            "acme_email": {"type": "str", "default": ""},
            "auth": {"type": "str", "choices": ["token", "basic", "none"], "default": "token"},
            "user": {"type": "str", "default": "slipway"},
            "secret": {"type": "str", "no_log": True},
            "cidr": {"type": "list", "elements": "str", "default": []},
            "ports": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "port": {"type": "int", "required": True},
                    "upstream": {"type": "int", "required": True},
                    "protocol": {"type": "str", "choices": ["http", "https"], "default": "http"},
                },
            },
            "max_body_mb": {"type": "int", "default": 1024},
            "timeout_s": {"type": "int", "default": 60},
        },
        required_if=[("state", "present", ["host", "ports"])],
        supports_check_mode=True,
    )
    proxy = Proxy(module)
    try:
        with _alone(module):
            answer = (present if module.params["state"] == "present" else absent)(module, proxy)
    except ExposureError as error:
        module.fail_json(msg=str(error), cause="exposure")
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
