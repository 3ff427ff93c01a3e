#!/usr/bin/python
"""Ansible module: packages of the distribution, with patience for whoever else is installing some."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Ensures that packages of the distribution are installed
description:
  - Waits while somebody else uses the package manager, and says who. Refreshes the lists of packages only when they are
    missing or turn out to be old. Never removes or upgrades a package that it was not asked for.
  - Unlike C(ansible.builtin.apt) it needs no python3-apt, and so works in check mode on a host just rented.
attributes:
  check_mode:
    support: full
options:
  names: {type: list, elements: str, required: true, description: 'Packages; on Debian also C(name=version).'}
  refresh: {type: bool, default: false, description: Refresh the lists first; for a repository that was just added.}
  lock_timeout_s: {type: int, default: 300, description: How long others may use the package manager.}
"""

EXAMPLES = r"""
- name: Ensure the packages are installed
  packages:
    names: [ca-certificates, curl]
"""

RETURN = r"""
installed:
  description: What was missing, and is there now.
  returned: success
  type: list
said:
  description: For whom it waited; empty when nobody was in the way.
  returned: success
  type: str
  sample: waited 34 s for unattended-upgr (812)
"""

import os

from ansible.module_utils import modes
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_packages import PackageError, Ran, manager, wait

QUIET = {
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C",
    "NEEDRESTART_MODE": "l",  # Ubuntu's would restart services, the Docker engine among them
}


def main():
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "refresh": {"type": "bool", "default": False},
            "lock_timeout_s": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )

    def run(command):
        code, out, err = module.run_command(list(command), environ_update=QUIET)
        return Ran(code, out + err)

    limit = module.params["lock_timeout_s"]
    found = manager(run)
    if found is None:
        module.fail_json(msg="neither apt-get nor dnf is here: this distribution is not supported", cause="unsupported")
    missing, waited = found.missing(module.params["names"]), ""
    if missing and not module.check_mode:
        if os.geteuid() != 0:
            module.fail_json(msg="installing %s needs root; run with become" % ", ".join(missing), cause="not-root")
        try:
            modes.usual()
            waited = wait(found.locks, limit)
            found.install(missing, refresh=module.params["refresh"], lock_timeout_s=limit)
        except PackageError as error:
            module.fail_json(msg=str(error), cause="packages")
    module.exit_json(changed=bool(missing), installed=missing, said=waited)


if __name__ == "__main__":
    main()
