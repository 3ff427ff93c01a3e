"""What of the caller's environment reaches an Ansible run: what is listed here, and nothing else. Pure.

Ansible, ansible-runner and Python take hundreds of settings from the environment: some wait for a prompt that nobody
sees, others change strategy, inventory, roles or tags. The repository's `ansible.cfg` says how a run goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

KEPT = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "TMPDIR", "TZ"),
        # where Python itself lies in a folder of its own, it does not start without
        "LD_LIBRARY_PATH",
        *("SSH_AUTH_SOCK", "KRB5CCNAME"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    }
)
"""Names. PATH is among what the run sets."""
KEPT_PREFIXES = ("XDG_", "DOCKER_", "AWS_", "UV_", "SLIPWAY_")
"""Credentials of providers, the local engines, and our own settings."""
NEVER = re.compile(
    r"_?ANSIBLE_|AWX_|RUNNER_|PYTHON|LD_|BASH_|SSH_ASKPASS|GIT_|(IFS|ENV|SHELL|PATH|HOME)$"
    r"|(ORIGINAL_STDOUT_CALLBACK|MAX_EVENT_RES|JOB_ID|AD_HOC_COMMAND_ID|PROJECT_UPDATE_ID)$"
)
"""What changes how programs run; not even as the source of a secret."""
_SOURCE = re.compile(r'"env:([^"\\]+)"')
NO_PROMPTS = {
    "ANSIBLE_ASK_PASS": "False",
    "ANSIBLE_BECOME_ASK_PASS": "False",
    "ANSIBLE_ASK_VAULT_PASS": "False",
    "SSH_ASKPASS_REQUIRE": "never",
}
"""Whatever ansible.cfg says: nobody would see the question."""
OURS = {
    **NO_PROMPTS,
    # ansible-runner switches that off where nobody says otherwise, and Ansible tells ssh before our own options do
    "ANSIBLE_HOST_KEY_CHECKING": "True",
    # Ansible refuses to start with the locale C, and with one that ssh brought along and this machine lacks
    "LC_ALL": "C.UTF-8",
}


def sources(hosts: str) -> set[str]:
    """The variables that secrets of these hosts come from; `hosts` is the file of a run, JSON."""
    return {name for name in _SOURCE.findall(hosts) if not NEVER.match(name)}


def kept(caller: Mapping[str, str], secrets: Iterable[str]) -> dict[str, str]:
    """Of the caller's environment what a run gets, with the variables that its secrets come from."""
    wanted = KEPT | set(secrets)
    return {name: value for name, value in caller.items() if name in wanted or name.startswith(KEPT_PREFIXES)}


def of_run(caller: Mapping[str, str], secrets: Iterable[str], told: Mapping[str, str]) -> dict[str, str]:
    """The whole environment. `told` is what the run and ansible-runner set, whatever the caller has."""
    return {**kept(caller, secrets), **OURS, **told}
