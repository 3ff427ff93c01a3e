"""Hosts pull the lab's images by name, over https, and the images do what their templates ask for."""

from __future__ import annotations

import json
import time

import pytest

from tests.lab import ready, registry
from tests.lab.machine import Host

pytestmark = pytest.mark.ssh


@pytest.fixture
def docker() -> Host:
    return ready.hosts("test-docker", flavour="host-docker")[0]


def test_registry_that_runs_is_given_at_once() -> None:
    ready.pullable("tiny")
    started = time.monotonic()
    assert registry.ensure("tiny") == ["registry.lab:5000/slipway-lab/tiny:1"]
    assert time.monotonic() - started < 1


def test_host_pulls_by_name(docker: Host) -> None:
    [tiny] = ready.pullable("tiny")
    docker.ssh(f"sudo docker rmi --force {tiny}", check=False)
    docker.ssh(f"sudo docker pull --quiet {tiny}")
    assert docker.ssh(f"sudo docker run --rm {tiny} echo hello").stdout == "hello\n"


def test_containers_on_a_host_have_names_resolved(docker: Host) -> None:
    [tiny] = ready.pullable("tiny")
    inside = docker.ssh(f"sudo docker run --rm --entrypoint cat {tiny} /etc/resolv.conf").stdout
    assert inside == docker.ssh("cat /etc/resolv.conf").stdout
    assert "127.0.0.11" not in inside


def test_ollama_stand_in_serves_and_keeps_its_models(docker: Host) -> None:
    [image] = ready.pullable("ollama-stand-in")
    docker.ssh("sudo docker rm --force try; sudo docker volume rm --force try", check=False)
    run = f"sudo docker run --detach --name try --network host --volume try:/root/.ollama {image}"
    ask = "curl() { python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())' $1; }"
    wait = "for i in $(seq 50); do curl http://127.0.0.1:11434/api/version 2>/dev/null && break; sleep 0.1; done"
    docker.ssh(f"{ask}; {run} && {wait} && sudo docker exec try ollama pull llama3.2:3b && sudo docker rm --force try")
    tags = docker.ssh(f"{ask}; {run} >&2 && {wait} >&2; curl http://127.0.0.1:11434/api/tags").stdout
    assert [model["name"] for model in json.loads(tags)["models"]] == ["llama3.2:3b"]
    docker.ssh("sudo docker rm --force try; sudo docker volume rm try")


def test_vllm_stand_in_takes_time_and_ends_when_told(docker: Host) -> None:
    [image] = ready.pullable("vllm-stand-in")
    docker.ssh("sudo docker rm --force try", check=False)
    docker.ssh(f"sudo docker run --detach --name try --env STAND_IN_START_S=1 {image} org/model --api-key=canary")
    health = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/health').status)"
    ask = f'sudo docker exec try python3 -c "{health}"'
    assert "Connection refused" in docker.ssh(ask, check=False).stderr
    answer = docker.ssh(f"for i in $(seq 50); do {ask} 2>/dev/null && break; sleep 0.1; done").stdout
    assert answer == "200\n"
    started = time.monotonic()
    docker.ssh("sudo docker stop --time 10 try && sudo docker rm try")
    assert time.monotonic() - started < 5
