"""Real programs behind the real proxy, used as people use them: JupyterLab and code-server in a browser, llama.cpp's
server by the clients of OpenAI, every snippet of their pages as it stands. Run by `make e2e-real`, before a release.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner import access, records, snippets
from runner.repo import Repo
from tests import deployed, snippet_run
from tests.e2e import world
from tests.e2e.proofs import image
from tests.e2e.world import World
from tests.lab import hosts, ready
from tests.lab.host import cache
from tests.lab.machine import Host
from tests.real.tools import browse, python
from tests.snippet_run import Tools
from tests.test_snippets import CASES, tried

pytestmark = [pytest.mark.real, pytest.mark.slow]

HOST = "real-1"
PORTS = {"jupyter": ("web", 443), "code-server": ("web", 8443), "llamacpp": ("api", 9443)}
CLOSED = "template: {name}\nprovider: ssh\nmachine: {{host: {host}}}\n"


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with (cache() / "real.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        [found] = ready.hosts(HOST, flavour="host-docker")
        yield found
        hosts.remove(HOST)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Iterator[World]:
    """One of each template, exposed by token."""
    ready.pullable("tiny", *(image(name) for name in PORTS))
    made = world.build(Path(tmp_path_factory.mktemp("real programs")))
    made.add(host)
    for name, (port, number) in PORTS.items():
        opened = f"access: {{expose: public, ports: {{{port}: {number}}}}}\n"
        made.deployment(name, CLOSED.format(name=name, host=host.name) + opened)
    results = made.reconcile()
    assert {row["result"] for row in results.values()} <= {"ok", "changed"}, results
    yield made
    world.end(made, hosts.ensure([HOST], "host-docker"))


@pytest.fixture(scope="module")
def known(services: World) -> Callable[[str], dict[str, str]]:
    """The secrets of a deployment, as `runner access` shows them."""
    return lambda name: {
        row["name"]: row["value"] for row in services.json("access", name, "--show-secrets")["secrets"] if row["value"]
    }


def url(services: World, name: str) -> str:
    return str(services.record(name)["endpoints"][PORTS[name][0]]["url"])


def test_jupyterlab_in_a_browser(services: World, known: Callable[[str], dict[str, str]], tmp_path: Path) -> None:
    secret = known("jupyter")
    seen = browse(
        "in_browser.py", tmp_path, program="jupyter", url=url(services, "jupyter"),
        token=secret["access_token"], password=secret["password"],
    )  # fmt: skip
    assert (seen["first page"], seen["wrong token"]) == ("Token needed", "This is not the token.")
    assert seen["cell"] == "42"
    assert seen["notices"] == []
    assert seen["file of the terminal"] == "kept-42\n"
    assert seen["websockets"]


def test_code_server_in_a_browser(services: World, known: Callable[[str], dict[str, str]], tmp_path: Path) -> None:
    secret = known("code-server")
    seen = browse(
        "in_browser.py", tmp_path, program="code-server", url=url(services, "code-server"),
        token=secret["access_token"], password=secret["password"],
    )  # fmt: skip
    assert seen["wrong token"] == "This is not the token."
    assert seen["workbench"]
    assert seen["websockets"] >= 1


@pytest.mark.parametrize("name", PORTS)
def test_every_snippet_of_the_page_runs(
    services: World, known: Callable[[str], dict[str, str]], name: str, tmp_path: Path
) -> None:
    record = records.read(Repo(services.root), name)
    assert record is not None
    tools = Tools(python=python("clients", "openai", "ollama"), clients=True)
    secret = known(name)
    ran = []
    for snippet in access.panel(record, deployed.source(name))["snippets"]:
        env = {snippets.variable(key): value for key, value in secret.items()}
        shown = snippet_run.run(snippet, services.root, record, tools, env)
        assert shown.returncode == 0, f"{snippet['title']}\n{snippet['code']}\n{shown.stderr}"
        ran.append(snippet["title"])
    assert len(ran) >= 3


def test_key_of_llamacpp_guards_what_is_open_without_the_proxy(services: World) -> None:
    """`auth: none` of this template rests on it: without the key, none of its paths gives anybody the model."""
    asked = """
import json, sys, urllib.error, urllib.request
found = {}
for path in json.load(sys.stdin):
    request = urllib.request.Request("http://127.0.0.1:8080" + path, b'{"prompt": "x", "content": "x", "messages": []}')
    try:
        found[path] = urllib.request.urlopen(request, timeout=60).status
    except urllib.error.HTTPError as error:
        found[path] = error.code
print(json.dumps(found))
"""
    paths = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/completion", "/tokenize", "/detokenize"]
    paths += ["/infill", "/embedding", "/rerank", "/v1/rerank", "/slots", "/props", "/apply-template", "/v1/responses"]
    said = json.loads(hosts.console(HOST, "python3", "-c", asked, stdin=json.dumps(paths)))
    assert {path: status for path, status in said.items() if status not in {401, 403, 404}} == {}
    assert said["/v1/chat/completions"] == 401


@pytest.mark.parametrize(
    ("name", "auth"), [case for case in CASES if case.values[0] in {"vllm", "tgi", "ollama", "chatterbox-tts"}]
)
def test_real_clients_run_every_snippet(name: str, auth: str, tmp_path: Path, free_port: Callable[[], int]) -> None:
    """The packages openai and ollama, against stand-ins."""
    tools = Tools(python=python("clients", "openai", "ollama"), clients=True)
    assert tried(name, auth, tmp_path, free_port, tools)
