#!/usr/bin/python
"""Ansible module: downloads models into a running Ollama, for a limited time."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ollama_pull
short_description: Downloads models into a running Ollama
description:
  - Asks the server to pull what is missing and returns after O(budget_s) with how far it got; the server keeps partial
    downloads, so that the next call goes on. The action C(ollama_models) calls it until everything is there.
attributes:
  check_mode: {support: full}
  diff_mode: {support: none}
options:
  url: {type: str, required: true, description: Where the API answers, as seen from the host.}
  models: {type: list, elements: str, required: true, description: 'Models, name:tag.'}
  insecure: {type: bool, default: false, description: Allow registries without TLS.}
  budget_s: {type: float, default: 5, description: Return after this long, in seconds.}
"""

EXAMPLES = r"""
- name: Ensure the model is there
  ollama_pull: {url: http://127.0.0.1:11434, models: [llama3.2:3b], budget_s: 3600}
"""

RETURN = r"""
done: {description: Whether all models are there., type: bool, returned: success}
model: {description: The model that is being downloaded., type: str, returned: when not done}
completed: {description: Bytes that are there., type: int, returned: when not done}
total: {description: Bytes of the layer that is being downloaded., type: int, returned: when not done}
"""

import http.client
import json
import socket
import time
import urllib.error
import urllib.request

from ansible.module_utils.basic import AnsibleModule

TIMEOUT_S = 60


class Failure(Exception):
    """What the server said no to."""


def call(url, path, body=None):
    """An open answer. Raises Failure with the server's own words."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url + path, data=data, headers={"Content-Type": "application/json"})  # noqa: S310
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310 - the role gives http URLs
    except urllib.error.HTTPError as error:
        raise Failure(_said(error.read())) from error
    except (urllib.error.URLError, OSError) as error:
        raise Failure("the Ollama API at %s does not answer: %s" % (url, getattr(error, "reason", error))) from error


def _said(raw):
    try:
        return json.loads(raw)["error"]
    except (ValueError, KeyError, TypeError):
        return raw.decode(errors="replace")[:200]


def present(url):
    """Names of the models that are there."""
    with call(url, "/api/tags") as answer:
        return {model["name"] for model in json.loads(answer.read())["models"]}


def full_name(model):
    """Ollama adds the tag that is left out."""
    return model if ":" in model.rpartition("/")[2] else model + ":latest"


def pull(url, model, insecure, deadline):
    """True when the model is there; otherwise (completed, total) of what is being downloaded at the deadline."""
    progress = (0, 0)
    try:
        with call(url, "/api/pull", {"model": model, "stream": True, "insecure": insecure}) as answer:
            for line in answer:
                event = json.loads(line)
                if "error" in event:
                    raise Failure(event["error"])
                if event.get("status") == "success":
                    return True
                if event.get("total"):
                    progress = (event.get("completed", 0), event["total"])
                if time.monotonic() > deadline:
                    return progress
    except socket.timeout:  # it says nothing for a while: whoever asks again and again knows for how long
        return progress
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Failure("the server went away in the middle of %s: %s" % (model, error)) from error
    raise Failure("the server ended the download of %s without success" % model)


def run(params, check):
    deadline = time.monotonic() + params["budget_s"]
    try:
        there = present(params["url"])
    except Failure:
        if not check:
            raise
        there = set()  # a dry run before the first start: nothing is there that could be asked
    missing = [model for model in params["models"] if full_name(model) not in there]
    if check or not missing:
        return {"changed": bool(missing), "done": True, "pulled": missing}
    for model in missing:
        answer = pull(params["url"], model, params["insecure"], deadline)
        if answer is not True:
            return {"changed": True, "done": False, "model": model, "completed": answer[0], "total": answer[1]}
    return {"changed": True, "done": True, "pulled": missing}


def main():
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "models": {"type": "list", "elements": "str", "required": True},
            "insecure": {"type": "bool", "default": False},
            "budget_s": {"type": "float", "default": 5},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module.params, module.check_mode)
    except Failure as failure:
        module.fail_json(msg="the models cannot be downloaded: %s" % failure, cause="model-not-pulled")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
