"""The proxy of a host as it is: its files, what its processes have read of them, and systemd."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil

from .expose_tree import FIREWALL, awaited, begun, in_force, of_port, of_rules, ports
from .modes import folders

FOLDER = "/etc/slipway/expose"
USER = "slipway-expose"
APPLIED = "applied"
"""Port → fingerprint of what its process has read, or the sites that wait until it reads; 0 → that of the firewall's
rules. Tells what a killed or failed run left half done."""


class ExposureError(Exception):
    """What a person can act on."""


class Proxy:
    """The files of the proxy, and systemd."""

    def __init__(self, module):
        self._module = module
        self._site = module.params["site"]

    @contextlib.contextmanager
    def alone(self):
        """Several deployments of one host are configured at once."""
        if self._module.check_mode or not os.path.isdir(FOLDER):
            yield
            return
        descriptor = os.open(os.path.join(FOLDER, "lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def read(self):
        """All files, as `expose_tree` describes them."""
        found = {}
        for folder, _, names in os.walk(FOLDER):
            for name in names:
                if name.endswith((".json", ".caddy", ".nft")) or name == "Caddyfile":
                    path = os.path.join(folder, name)
                    with open(path, encoding="utf-8", errors="replace") as file:
                        found[os.path.relpath(path, FOLDER)] = file.read()
        return found

    def applied(self):
        """Port → fingerprint, as far as known."""
        try:
            with open(os.path.join(FOLDER, APPLIED), encoding="utf-8") as file:
                return {int(port): str(text) for port, text in json.load(file).items()}
        except (OSError, ValueError, AttributeError, RecursionError):  # whatever is no note of ours notes nothing
            return {}

    def pending(self, tree, numbers):
        """Which of these ports are not served as the files say."""
        done = self.applied()
        return [port for port in numbers if done.get(port) != of_port(tree, port) or not self._active(_unit(port))]

    def unfinished(self, tree):
        """Whether a run for this site ended before the rules, or all that it wanted of a port, were in force."""
        done = self.applied()
        return bool(done or tree) and (done.get(0) != of_rules(tree) or bool(awaited(done, self._site)))

    def apply(self, before, after):
        """Bring files, rules and processes from one state to another: what closes before what opens. A port that only
        others have may be broken; whoever comes next tries it again.
        """
        noted = self.applied()
        mine = {*ports(before, self._site), *ports(after, self._site), *awaited(noted, self._site)}
        noted = begun(noted, after, self._site, mine)
        self._note(noted)
        gone = [port for port in ports(before) if port not in ports(after)]
        for port in gone:
            self._systemctl("disable", "--now", _unit(port))
        self._write(before, after)
        for port in gone:
            shutil.rmtree(os.path.join(FOLDER, str(port)), ignore_errors=True)
        self._filter(after)
        finished = in_force(after)
        for port in self.pending(after, ports(after)):
            reason = self._unread(port)
            if reason and port in mine:
                raise ExposureError(reason)
            if reason:
                finished[port] = noted.get(port, "")
        self._note(finished)

    def _unread(self, port):
        """Have the process of a port read its files: why it could not; empty when it did."""
        try:
            self._systemctl("enable", _unit(port))
            self._systemctl("reload-or-restart", _unit(port))
        except ExposureError as error:
            return str(error)
        return ""

    def _filter(self, after):
        if self.applied().get(0) != of_rules(after) and self._active("slipway-firewall.service"):
            self._systemctl("reload", "slipway-firewall.service")
        if FIREWALL not in after:
            self._systemctl("disable", "--now", "slipway-expose-firewall.service")
        elif not self.filtering(after):
            self._systemctl("enable", "slipway-expose-firewall.service")
            self._systemctl("reload-or-restart", "slipway-expose-firewall.service")

    def filtering(self, tree):
        """Whether the rules are in force: somebody else may have flushed them."""
        loaded = self.applied().get(0) == of_rules(tree)
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
            folders(folder, 0o750)
            os.chown(folder, 0, owner.pw_gid)
            if before.get(path) != text:
                self._replace(path, text, owner.pw_uid if path.endswith((".caddy", "Caddyfile")) else 0)

    def _note(self, done):
        self._replace(APPLIED, json.dumps(done), 0)

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


def _unit(port):
    return "slipway-expose@%d.service" % port
