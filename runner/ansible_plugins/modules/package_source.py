#!/usr/bin/python
"""Ansible module: a repository of Debian packages, with its key pinned by fingerprint."""

from __future__ import annotations

DOCUMENTATION = r"""
module: package_source
short_description: Ensures that apt knows a repository, and trusts its pinned key for it and for nothing else
description:
  - Looks first whether the repository can be reached and has packages for this release. With O(optional=true) that is
    an answer (RV(reachable)), not a failure, and nothing is written.
  - A key file in which any key has another fingerprint than those of O(fingerprints) is refused.
  - A repository that somebody else has already set up is used as it is.
  - Needs neither gpg nor python3-debian on the host.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  name: {type: str, required: true, description: 'Names C(sources.list.d/NAME.sources) and C(keyrings/NAME.asc).'}
  uri: {type: str, required: true, description: Where it is.}
  suite: {type: str, required: true, description: 'Release, or C(/) for a flat repository.'}
  components: {type: list, elements: str, default: [], description: Empty for a flat repository.}
  architecture: {type: str, required: true, description: As dpkg calls it.}
  key_url: {type: str, required: true, description: 'Where its public key is, armored.'}
  fingerprints: {type: list, elements: str, required: true, description: Of the keys that the file may hold.}
  optional: {type: bool, default: false, description: Not to reach it is no failure.}
  timeout_s: {type: int, default: 10, description: How long it may take to answer.}
"""

EXAMPLES = r"""
- name: Ensure the Docker repository is configured
  package_source:
    name: docker
    uri: https://download.docker.com/linux/debian
    suite: bookworm
    components: [stable]
    architecture: amd64
    key_url: https://download.docker.com/linux/debian/gpg
    fingerprints: [9DC858229FC7DD38854AE2D88D81803C0EBFCD88]
    optional: true
  register: docker_source_result
"""

RETURN = r"""
reachable:
  description: Whether packages can be had from it.
  returned: success
  type: bool
said:
  description: The same for people, with the reason when they cannot.
  returned: success
  type: str
"""

import glob
import os
import tempfile

from ansible.module_utils import modes
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.signing_key import KeyFileError, primary_fingerprints
from ansible.module_utils.urls import fetch_url

HEADER = "# Written by Slipway's Ansible roles: changes made here are lost.\n"
OK = 200


class Source:
    """The two files of one repository, as they are and as they should be."""

    def __init__(self, params):
        self.params = params
        self.file = "/etc/apt/sources.list.d/%s.sources" % params["name"]
        self.keyring = "/etc/apt/keyrings/%s.asc" % params["name"]
        self.fingerprints = {text.replace(" ", "").upper() for text in params["fingerprints"]}

    def text(self):
        """What the list of sources should say."""
        params = self.params
        fields = {
            "Types": "deb",
            "URIs": params["uri"],
            "Suites": params["suite"],
            "Components": " ".join(params["components"]),
            "Architectures": params["architecture"],
            "Signed-By": self.keyring,
        }
        return HEADER + "".join("%s: %s\n" % item for item in fields.items() if item[1])

    def probe_url(self):
        """The file by which apt itself would see whether it is there."""
        uri, suite = self.params["uri"].rstrip("/"), self.params["suite"]
        return uri + "/InRelease" if suite == "/" else "%s/dists/%s/InRelease" % (uri, suite)

    def foreign(self):
        """Another file that already names this repository; empty if there is none."""
        wanted = self.params["uri"].rstrip("/")
        for path in sorted(["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*")]):
            lines = [line for line in _read(path).decode("utf-8", "replace").splitlines() if not line.startswith("#")]
            if path != self.file and any(wanted in line for line in lines):
                return path
        return ""

    def complete(self):
        """Whether both files are as they should be."""
        return _read(self.file).decode("utf-8", "replace") == self.text() and not self.wrong(_read(self.keyring))

    def wrong(self, key):
        """Why this key file cannot be trusted; empty when it can."""
        try:
            found = set(primary_fingerprints(key))
        except KeyFileError as error:
            return str(error)
        return (
            ""
            if found <= self.fingerprints
            else "it has a key with fingerprint " + ", ".join(sorted(found - self.fingerprints))
        )


def run(module):
    """Reach the state; what to answer."""
    source, params = Source(module.params), module.params
    if source.foreign():
        return _answer(True, "%s is already configured in %s" % (params["uri"], source.foreign()))
    if source.complete():
        return _answer(True, "%s is configured" % params["uri"])
    for url in (source.probe_url(), params["key_url"]):
        content, error = _fetch(module, url)
        if error:
            reason = "%s cannot be reached: %s" % (url, error)
            if params["optional"]:
                return _answer(False, reason)
            module.fail_json(msg=reason + "; check this host's network, DNS and proxy", cause="source-unreachable")
    wrong = source.wrong(content)
    if wrong:
        module.fail_json(
            msg="the key at %s is not the one that is pinned: %s; expected %s. Do not go on before you know why"
            % (params["key_url"], wrong, ", ".join(sorted(source.fingerprints))),
            cause="key-not-trusted",
        )
    before = _read(source.file).decode("utf-8", "replace")
    if not module.check_mode:
        _write(module, source.keyring, content)
        _write(module, source.file, source.text().encode())
    diff = {"before": before, "after": source.text(), "before_header": source.file, "after_header": source.file}
    return {**_answer(True, "%s is configured" % params["uri"], changed=True), "diff": diff}


def _answer(reachable, said, *, changed=False):
    return {"changed": changed, "reachable": reachable, "said": said}


def _fetch(module, url):
    """(content, why there is none)."""
    response, info = fetch_url(module, url, timeout=module.params["timeout_s"])
    if info["status"] != OK:
        return b"", info.get("msg") or "status %s" % info["status"]
    return response.read(), ""


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _write(module, path, content):
    modes.folders(os.path.dirname(path))
    descriptor, temporary = tempfile.mkstemp(prefix="slipway-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    module.atomic_move(temporary, path)
    os.chmod(path, 0o644)


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "uri": {"type": "str", "required": True},
            "suite": {"type": "str", "required": True},
            "components": {"type": "list", "elements": "str", "default": []},
            "architecture": {"type": "str", "required": True},
            "key_url": {"type": "str", "required": True},
            "fingerprints": {"type": "list", "elements": "str", "required": True, "no_log": False},
            "optional": {"type": "bool", "default": False},
            "timeout_s": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
