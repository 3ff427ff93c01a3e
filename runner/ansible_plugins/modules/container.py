#!/usr/bin/python
"""Ansible module: one service container of the `docker` engine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container
short_description: Runs one service in a container of the Docker engine
description:
  - Talks to the engine's socket on the host where it runs; needs neither the docker command nor any Python package.
  - A container that has to change is made anew. The image is fetched first and the old container stays until the new
    one has started; when that fails the old one is put back and started. With O(keep_previous=true) it is kept,
    stopped, until O(state=committed) removes it or O(state=rolled_back) puts it back, so that a health check can
    decide.
  - What is there is compared with what the engine says of it, not only with what it was made from; so a change by hand
    is seen and undone.
  - The name of the kept one is the container's name with C(.previous) added.
  - A container or volume of this name that was not made by this module is never touched.
attributes:
  check_mode:
    support: partial
    details: With O(pull=always) a newer image behind the same tag is only seen by fetching it.
  diff_mode:
    support: full
    details: Values of environment variables are hidden.
options:
  name: {type: str, required: true, description: Name of the container.}
  state:
    type: str
    choices: [pulled, started, stopped, restarted, absent, committed, rolled_back]
    default: started
    description: What it should be afterwards. V(pulled) fetches the image and touches nothing else.
  image: {type: str, description: 'Image reference. Required for O(state=started), V(restarted) and V(pulled).'}
  command: {type: list, elements: str, default: [], description: Argument vector after the image's entrypoint.}
  env: {type: dict, default: {}, description: Added to the environment. Values may be secret and are never shown.}
  secret_env:
    type: list
    elements: str
    description: Names of the variables whose values are secret; without it, all of them.
  labels:
    type: dict
    default: {}
    description: The mark. Volumes get it too, without C(slipway-digest).
  ports:
    type: list
    elements: dict
    default: []
    description: Published ports.
    suboptions:
      bind: {type: str, default: 127.0.0.1, description: Address of the host to listen at.}
      host: {type: int, required: true, description: Port of the host.}
      container: {type: int, required: true, description: Port inside the container.}
      protocol: {type: str, choices: [tcp, udp], default: tcp, description: Transport.}
  volumes: {type: dict, default: {}, description: 'Volume name → path inside the container. Made when missing.'}
  shm_gb: {type: float, default: 0, description: Shared memory; 0 is the engine's default.}
  user: {type: str, default: '', description: User inside the container; empty is the image's.}
  gpus:
    type: raw
    default: none
    description: >-
      V(none), V(all), V(auto) (all if the engine has any), or a list of indexes or UUIDs. By CDI where the engine has
      it, else by NVIDIA's runtime. What exists stays as it is: both ways are the same.
  restart:
    type: str
    choices: [never, on-failure, unless-stopped]
    default: unless-stopped
    description: What the engine does when it ends by itself.
  network:
    type: str
    default: ''
    description: Network of the engine to join, made when missing; empty is the engine's default.
  alias: {type: str, default: '', description: 'Name by which others in O(network) find it, besides its own.'}
  companions:
    type: list
    elements: str
    description:
      - Containers with the label C(slipway-container) that names this one are its companions; C(slipway-companion) is
        what they are called. They are stopped and removed with it.
      - With O(state=started), those that are not named here are removed; without this option nobody is asked.
  pull: {type: str, choices: [missing, always, never], default: missing, description: When to fetch the image.}
  registry_login:
    type: dict
    default: {}
    description:
      - C(username), C(password) and C(serveraddress), as Docker's API takes them. Goes with the request that fetches
        the image; the engine keeps nothing of it.
  registry_hint: {type: str, default: '', description: What to do when the registry does not give out the image.}
  keep_previous: {type: bool, default: false, description: Keep the replaced container until it is committed.}
  health:
    type: dict
    default: {}
    description:
      - 'Health check: host, port, protocol, path, status, timeout_s, stable_s (how long it must go on after its first
        good answer). With it a new container is committed when it is healthy and rolled back when it is not, in one
        task.'
  remove_volumes: {type: bool, default: false, description: 'With O(state=absent), its volumes and their data go too.'}
  stop_timeout_s: {type: int, default: 30, description: How long it may take to end before it is killed.}
  docker_socket: {type: str, default: '', description: Path of the socket; else DOCKER_HOST; else the engine's default.}
"""

EXAMPLES = r"""
- name: Ensure the notebook is running
  container:
    name: slipway-demo-notebook
    image: quay.io/jupyter/base-notebook:2025-10-20
    env: {JUPYTER_TOKEN: "{{ notebook_token }}"}
    labels: {managed-by: slipway, slipway-repo: demo, slipway-deployment: notebook, slipway-digest: "{{ digest }}"}
    ports: [{host: 8888, container: 8888}]
    volumes: {slipway-demo-notebook-work: /home/jovyan/work}
    keep_previous: true

- name: Ensure the healthy container stays
  container: {name: slipway-demo-notebook, state: committed}

- name: Ensure nothing of the notebook is left
  container: {name: slipway-demo-notebook, state: absent, remove_volumes: true}
"""

RETURN = r"""
actions:
  description: What was done, in order; empty when nothing had to be.
  returned: always
  type: list
  sample: [pulled, recreated]
changes:
  description: Names of the fields that differed.
  returned: always
  type: list
  sample: [image, env.HF_TOKEN]
differences:
  description: What differed, for people. Values of secret variables are hidden.
  returned: success
  type: list
  elements: dict
  sample: [{field: restart, before: never, after: unless-stopped}]
container:
  description: What there is afterwards.
  returned: success
  type: dict
  contains:
    name: {description: Its name., type: str}
    id: {description: Its id; empty when absent., type: str}
    image: {description: The reference it was made from., type: str}
    image_id: {description: The exact image., type: str}
    status: {description: 'The engine''s word: running, exited, …; or absent.', type: str}
    started_at: {description: When it was started., type: str}
health:
  description: What the health check said; empty without one.
  returned: success
  type: str
cause:
  description: Stable name of the failure.
  returned: failure
  type: str
  sample: port-taken
last_lines:
  description: The last lines of what it said, without the secrets that it was given.
  returned: failure
  type: str
rolled_back:
  description: Whether the version before was put back.
  returned: failure
  type: bool
hint:
  description: A command of the runner that tells more; often empty, the message says what to do.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.container_health import started_and_healthy
from ansible.module_utils.container_spec import HIDDEN, gpus
from ansible.module_utils.container_steps import StepError, Steps
from ansible.module_utils.docker_api import Docker
from ansible.module_utils.docker_causes import explain
from ansible.module_utils.docker_socket import DockerError
from ansible.module_utils.gpu_request import described

SHORT = 8


def run(module):
    """Reach the state; what to answer."""
    params = module.params
    docker, check = Docker(params["docker_socket"]), module.check_mode
    steps = Steps(docker, {**params, "keep_previous": params["keep_previous"] or bool(params["health"])}, check=check)
    restart, said = params["state"] == "restarted", ""
    if params["state"] in ("started", "restarted") and params["health"]:
        said = started_and_healthy(steps, docker, params, restart=restart, check=check)
    elif restart:
        steps.started(restart=True)
    else:
        getattr(steps, params["state"])()
    for warning in steps.warnings:
        module.warn(warning)
    return {
        "changed": bool(steps.actions),
        "actions": steps.actions,
        "changes": sorted({*steps.before, *steps.after}) if "recreated" in steps.actions else [],
        "differences": differences(steps),
        "container": steps.result(),
        "health": said,
        **({"diff": {"before": steps.before, "after": steps.after}} if module._diff else {}),
    }


def differences(steps):
    """Before and after, for people."""
    before, after = dict(steps.before), dict(steps.after)
    fields = ["state"] if "created" in steps.actions else sorted({*before, *after})
    return [{"field": field, "before": before.get(field), "after": after.get(field)} for field in fields]


def available_gpus(wanted, docker):
    """(what V(auto) means on this host, the GPUs that are there by CDI): an engine with the NVIDIA runtime or with
    devices of CDI has GPUs.
    """
    if wanted == "none":
        return wanted, set()
    info = docker.info()
    known = described(info)
    if wanted == "auto":
        wanted = "all" if "nvidia" in (info.get("Runtimes") or {}) or known else "none"
    return wanted, known


def guard_secrets(module):
    """Hide every value of `env` in what is shown of the call. Ansible itself hides them wherever they appear in the
    answer: right for a password, but a variable with the value 1 would hide every 1, so short values, those that are
    part of the name or the image, and those that are no secret are left to us. We never put a secret into an answer.
    """
    params = module.params
    names = params["env"] if params["secret_env"] is None else params["secret_env"]
    secrets = {str(params["env"][name]) for name in names if name in params["env"]}
    public = "{name} {image}".format(**params)
    module.no_log_values = {
        value for value in module.no_log_values & secrets if len(value) >= SHORT and value not in public
    }
    hidden = {name: dict.fromkeys(params[name], HIDDEN) for name in ("env", "registry_login")}
    return {"module_args": {**params, **hidden}}


PORT = {
    "bind": {"type": "str", "default": "127.0.0.1"},
    "host": {"type": "int", "required": True},
    "container": {"type": "int", "required": True},
    "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
}
STATES = ["pulled", "started", "stopped", "restarted", "absent", "committed", "rolled_back"]
NEEDS_IMAGE = [("state", state, ["image"]) for state in ("pulled", "started", "restarted")]
ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": STATES, "default": "started"},
    "image": {"type": "str"},
    "command": {"type": "list", "elements": "str", "default": []},
    "env": {"type": "dict", "default": {}, "no_log": True},
    "secret_env": {"type": "list", "elements": "str", "no_log": False},
    "labels": {"type": "dict", "default": {}},
    "ports": {"type": "list", "elements": "dict", "default": [], "options": PORT},
    "volumes": {"type": "dict", "default": {}},
    "shm_gb": {"type": "float", "default": 0},
    "user": {"type": "str", "default": ""},
    "gpus": {"type": "raw", "default": "none"},
    "restart": {
        "type": "str",
        "choices": ["never", "on-failure", "unless-stopped"],
        "default": "unless-stopped",
    },
    "network": {"type": "str", "default": ""},
    "alias": {"type": "str", "default": ""},
    "companions": {"type": "list", "elements": "str"},
    "pull": {"type": "str", "choices": ["missing", "always", "never"], "default": "missing"},
    "registry_login": {"type": "dict", "default": {}, "no_log": True},
    "registry_hint": {"type": "str", "default": ""},
    "keep_previous": {"type": "bool", "default": False},
    "health": {"type": "dict", "default": {}},
    "remove_volumes": {"type": "bool", "default": False},
    "stop_timeout_s": {"type": "int", "default": 30},
    "docker_socket": {"type": "str", "default": ""},
}


def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, required_if=NEEDS_IMAGE, supports_check_mode=True)
    shown = guard_secrets(module)
    try:
        found = available_gpus(gpus(module.params["gpus"]), Docker(module.params["docker_socket"]))
        module.params["gpus"], module.params["described"] = found
        answer = run(module)
    except ValueError as error:
        module.fail_json(msg=str(error), cause="invalid-option", invocation=shown)
    except StepError as error:
        more = {"last_lines": error.log, "rolled_back": error.rolled_back, "invocation": shown}
        module.fail_json(msg=str(error), cause=error.cause.code, hint=error.cause.hint, **more)
    except DockerError as error:
        cause = explain(error, module.params["image"] or "")
        module.fail_json(msg=cause.message, cause=cause.code, invocation=shown)
    module.exit_json(**answer, invocation=shown)


if __name__ == "__main__":
    main()
