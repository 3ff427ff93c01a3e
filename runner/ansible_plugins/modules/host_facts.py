#!/usr/bin/python
"""Ansible module: everything that the roles `base`, `docker` and `nvidia` decide on, in one look."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_facts
short_description: Tells what a host is and has, in one look
description:
  - Changes nothing. Sets the fact C(slipway_host). Roles that find it set do not look again, so that an already
    prepared host costs one task for all of them; a role that changed something looks again at its end.
  - Needs root for the whole truth. Standard library only; no program is run but systemctl, dpkg-query (or rpm) and,
    where they are, nft and nvidia-smi.
  - Do not keep this fact in a fact cache between runs.
attributes:
  check_mode:
    support: full
options:
  packages: {type: list, elements: str, default: [], description: 'Packages to look for; C(packages.missing) answers.'}
  files: {type: list, elements: str, default: [], description: 'Files whose SHA-256 is wanted; empty when missing.'}
  user: {type: str, default: '', description: 'A user to look for; C(user_exists) answers.'}
  ssh_ports: {type: bool, default: false, description: 'Also ask sshd for its ports; C(ssh_ports) answers.'}
  docker_socket: {type: str, default: '', description: Path of the socket; else DOCKER_HOST; else the engine's default.}
"""

EXAMPLES = r"""
- name: Gather what there is to know about the host
  host_facts:
    packages: [ca-certificates, curl]
  when: ansible_facts.slipway_host is not defined
"""

RETURN = r"""
ansible_facts:
  description: The fact.
  returned: always
  type: dict
  contains:
    slipway_host:
      description: What there is.
      type: dict
      contains:
        asked: {description: The options of this look., type: dict}
        os: {description: 'family, id, version, codename, name, arch, machine, kernel, python', type: dict}
        systemd: {description: Whether systemd runs this host., type: bool}
        container: {description: 'What kind of container this host is itself; empty for a machine.', type: str}
        packages: {description: 'manager, missing, and who keeps it busy', type: dict}
        services: {description: 'names of units: active, enabled', type: dict}
        resources: {description: 'memory_gb, memory_free_gb, swap_gb, disk_free_gb of the engine''s folder', type: dict}
        swaps: {description: Files and devices in use as swap., type: list}
        nft: {description: Whether there is a program that loads rules of nftables., type: bool}
        tables: {description: 'Tables of nftables that are loaded, as in C(inet filter).', type: list}
        files: {description: SHA-256 of the files asked for., type: dict}
        user_exists: {description: Whether the user asked for exists., type: bool}
        login_port: {description: Port of this very login; 0 when not by SSH., type: int}
        ssh_ports: {description: 'Ports of sshd, if asked for.', type: list}
        reboot: {description: Packages that wait for a reboot., type: list}
        docker: {description: 'The engine: answers, reason, version, api, root_dir, runtimes, settings, …', type: dict}
        gpu: {description: 'NVIDIA GPUs: present, works, trouble, reason, cards, driver, toolkit, cdi, …', type: dict}
said:
  description: The same in one line for people.
  returned: always
  type: str
  sample: Debian GNU/Linux 12 (bookworm), Docker 28.2.2, 1 NVIDIA H100 80GB (driver 580.95.05)
"""

import pwd
import re
from typing import Dict, List

from ansible.module_utils import host_docker, host_gpu, host_os
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_packages import Ran, holder, manager

UNITS = (
    *("systemd-timesyncd", "chrony", "chronyd", "ntp", "ntpd", "ntpsec", "openntpd"),  # who sets the clock
    *("firewalld", "nftables", "slipway-firewall", "slipway-docker", "slipway-cdi"),
    *("docker", "containerd"),
)


def gather(module):
    """The fact."""
    params = module.params

    def run(command):
        code, out, err = module.run_command(list(command), environ_update={"LC_ALL": "C"})
        return Ran(code, out + err)

    system, docker = host_os.describe(), host_docker.facts(params["docker_socket"])
    return {
        "asked": {key: params[key] for key in ("packages", "files", "user", "ssh_ports", "docker_socket")},
        "os": system,
        "systemd": host_os.has_systemd(),
        "container": host_os.container(),
        "packages": _packages(run, params["packages"]),
        "services": _services(run) if host_os.has_systemd() else {"active": [], "enabled": []},
        "resources": host_os.resources(folder=docker["root_dir"]),
        "swaps": host_os.swaps(),
        "nft": bool(_nft(module)),
        "tables": _tables(module),
        "files": host_os.fingerprints(params["files"]),
        "user_exists": bool(params["user"]) and _exists(params["user"]),
        "login_port": host_os.login_port(),
        "ssh_ports": _ssh_ports(module) if params["ssh_ports"] else [],
        "reboot": host_os.reboot_reasons(),
        "docker": docker,
        "gpu": host_gpu.facts(),
    }


def summary(host):
    """One line for people."""
    docker, gpu = host["docker"], host["gpu"]
    engine = "%s %s" % (docker["engine"].replace("Engine", "Docker"), docker["version"])
    words = [host["os"]["name"], engine if docker["answers"] else "no Docker engine answers"]
    if gpu["works"]:
        names = sorted({card["name"] for card in gpu["cards"]})
        words.append("%d %s (driver %s)" % (len(gpu["cards"]), ", ".join(names), gpu["driver"]))
    elif gpu["present"] or gpu["trouble"] != "absent":
        words.append("a GPU that cannot be used: " + gpu["reason"])
    return ", ".join(words)


def _packages(run, names):
    found = manager(run)
    if found is None:
        return {"manager": "", "missing": list(names), "busy": ""}
    return {"manager": found.name, "missing": found.missing(names), "busy": holder(found.locks)}


def _services(run):
    """One question for all units."""
    units = [name + ".service" for name in UNITS]
    found: Dict[str, List[str]] = {"active": [], "enabled": []}
    blocks = run(["systemctl", "show", "--property=Id,ActiveState,UnitFileState", "--", *units]).output.split("\n\n")
    for name, block in zip(UNITS, blocks):  # the Id of an alias is another name
        if "ActiveState=active" in block:
            found["active"].append(name)
        if "UnitFileState=enabled" in block:
            found["enabled"].append(name)
    if host_os.ufw_enabled():
        found["active"].append("ufw")
    return found


def _nft(module):
    return module.get_bin_path("nft", opt_dirs=["/usr/sbin"])


def _tables(module):
    """What somebody has removed from the kernel is not there, whatever its unit says."""
    program = _nft(module)
    out = module.run_command([program, "list", "tables"])[1] if program else ""
    return [line.partition(" ")[2] for line in out.splitlines() if line.startswith("table ")]


def _ssh_ports(module):
    """Those that sshd is set up for, and the one we came through."""
    ports = {host_os.login_port()} - {0}
    program = module.get_bin_path("sshd", opt_dirs=["/usr/sbin"])
    if program:
        code, out, _ = module.run_command([program, "-T"])
        if code == 0:
            ports |= {int(port) for port in re.findall(r"^port (\d+)$", out, re.MULTILINE)}
    return sorted(ports or {22})


def _exists(user):
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def main():
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "list", "elements": "str", "default": []},
            "files": {"type": "list", "elements": "str", "default": []},
            "user": {"type": "str", "default": ""},
            "ssh_ports": {"type": "bool", "default": False},
            "docker_socket": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    host = gather(module)
    module.exit_json(changed=False, ansible_facts={"slipway_host": host}, said=summary(host))


if __name__ == "__main__":
    main()
