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
  state: {type: str, choices: [present, absent], default: present, description: Whether it is exposed.}
  site: {type: str, required: true, description: Name of the site; unique on the host.}
  host: {type: str, description: Name or address that callers use.}
  named: {type: bool, default: false, description: Whether host is a domain and not the address of the machine.}
  tls:
    type: str
    choices: [acme, internal]
    default: internal
    description: Who certifies the host. V(internal) is the host itself.
  acme_directory: {type: str, default: '', description: 'Of the authority; empty is that of Caddy.'}
  acme_email: {type: str, default: '', description: Whom the authority tells of trouble.}
  auth: {type: str, choices: [token, basic, none], default: token, description: What callers have to show.}
  user: {type: str, default: slipway, description: Of basic authentication.}
  secret: {type: str, description: Token or password.}
  cidr: {type: list, elements: str, default: [], description: Networks that may connect; empty for everybody.}
  ports:
    type: list
    elements: dict
    default: []
    description:
      - Each with port, upstream (of loopback), protocol, and the paths that pass without authentication, such as
        C(/v1/*); without any, everything does.
  max_body_mb: {type: int, default: 1024, description: The largest request that passes.}
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

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.expose_files import fault
from ansible.module_utils.expose_proof import proved
from ansible.module_utils.expose_proxy import ExposureError, Proxy
from ansible.module_utils.expose_tree import conflict, known_hash, ports, with_site, without
from ansible.module_utils.password_hash import bcrypt

ROOT = "/var/lib/slipway-expose/pki/authorities/local/root.crt"


def present(module, proxy):
    """The site is there, at exactly its ports."""
    params, before = module.params, proxy.read()
    reason = fault(params) or conflict(before, params)
    if reason:
        raise ExposureError(reason)
    after = with_site(before, params, _proof(params, before))
    mine = ports(after, params["site"])
    changed = before != after or proxy.unfinished(after) or bool(proxy.pending(after, mine))
    changed = changed or not proxy.filtering(after)
    if changed and not module.check_mode:
        try:
            proxy.apply(before, after)
            for port in mine:
                proved(port, params["host"], ROOT if params["tls"] == "internal" else "", params["timeout_s"])
        except (ExposureError, OSError) as error:
            raise ExposureError(_undone(proxy, before, after, mine, error)) from error
    return {"changed": changed, "ca": _read(ROOT) if params["tls"] == "internal" else ""}


def _undone(proxy, before, after, mine, error):
    """What went wrong, once the state from before is back; or that it is not."""
    said = next((text for text in map(proxy.log, mine) if text), "")
    taken = "address already in use" in said and (
        "a program of this machine that is not ours listens at port %s already; choose another in access.ports"
        % (" or ".join(map(str, mine)))
    )
    try:
        proxy.apply(after, before)
    except (ExposureError, OSError) as again:
        return "%s; nor could what was before be put back, so that it may be open: %s; the proxy said: %s" % (
            taken or "it could not be exposed: %s" % error,
            again,
            said or "nothing",
        )
    return taken or "it could not be exposed, and is as it was before: %s; the proxy said: %s" % (
        error,
        said or "nothing",
    )


def absent(module, proxy):
    """The site is gone, and so is what only it had open."""
    before = proxy.read()
    after = without(before, module.params["site"])
    changed = before != after or proxy.unfinished(after)
    if changed and not module.check_mode:
        proxy.apply(before, after)
    return {"changed": changed, "ca": ""}


def _proof(params, tree):
    if params["auth"] != "basic":
        return params["secret"]
    return bcrypt(params["secret"], known_hash(tree, params["site"]))


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


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
                    "paths": {"type": "list", "elements": "str", "default": []},
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
        with proxy.alone():
            answer = (present if module.params["state"] == "present" else absent)(module, proxy)
    except ExposureError as error:
        module.fail_json(msg=str(error), cause="exposure")
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
