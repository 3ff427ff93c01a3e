"""Records may come with a pull request: whatever they say is checked like input, and no name in them is a file's."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner import record_fields, records, vault
from runner.domain import Record
from runner.errors import InvalidFiles
from runner.readback import parsed, too_deep
from runner.repo import Repo, find
from tests import factories as make
from tests.cli.shell import Shell
from tests.small import Small

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY3"
LOGIN = {"address": "192.0.2.10", "port": 22, "user": "me", "key": "~/.ssh/id", "jump": None, "host_key": KEY}
MACHINE: dict[str, Any] = {
    **LOGIN,
    "id": "gpu-1",
    "host": "gpu-1",
    "engine": "docker",
    "become_password": "env:SUDO",
    "tunnel": True,
    "home": "/home/José's 100%",
    "way": [{"address": "192.0.2.1", "port": 22, "user": "keeper", "key": ""}],
    "gpu_ids": ["0", "7"],
    "region": ["us-east-1", "eu-west-1"],
    "ends": "2026-12-24T10:00:00+00:00",
    "exposed": True,
    "rate": {"hourly": 0.5, "currency": "USD", "source": "list", "as_of": ""},
}
EXPOSED = {
    "expose": {"cidr": ["198.51.100.0/24", "2001:db8::/32"]},
    "auth": "token",
    "domain": "",
    "tls": "internal",
    "ports": {"web": 443},
}
WHOLE = replace(make.record(), provider="ssh", machine=MACHINE, spec=make.spec(access=EXPOSED))

WORDS = ["-oProxyCommand=touch x", "../../../x", "a b", "a\nb", "a\x00b", "$(x)", "`x`", "a;b", "\u202ex", "x" * 9999]
NO_TEXT = [None, True, 7, 1.5, [], {}, ["a"], {"a": "b"}]
NO_PORT = ["22", 0, -1, 65536, True, 1.5, [], {}]
NO_MAPPING = ["", "x", 1, True, ["a"]]
HOSTILE: dict[str, list[Any]] = {
    "deployment": [*WORDS, *NO_TEXT, "", "UPPER"],
    "provider": [*WORDS, *NO_TEXT, "", "local.provider", "__init__"],
    "state": [*WORDS, *NO_TEXT, ""],
    "digest": [*WORDS, *NO_TEXT],
    "owner": list(NO_TEXT),
    "file": ["/etc/passwd", "../x", "a/../../x", "x\nansible_connection: local", "-x", "~/x", *NO_TEXT],
    "protect": ["true", 1, None],
    "price": [{}, "0.5", {"hourly": "1"}, {"hourly": -1}, {"hourly": float("nan")}, {"hourly": True}, []],
    "health": [*NO_MAPPING],
    "health.host": [*WORDS],
    "health.port": NO_PORT,
    "health.path": ["a\nb", 7],
    "endpoints": [*NO_MAPPING, None, {"web": None}, {"web": {}}, {"../x": {}}],
    "endpoints.web.url": [*WORDS, *NO_TEXT, "http://x/$(id)", "http://a b", "javascript:x", "http://x>y", "http://a@b"],
    "endpoints.web.host": [*WORDS, *NO_TEXT],
    "endpoints.web.port": NO_PORT,
    "endpoints.web.protocol": ["ssh", None, 7],
    "machine": [*NO_MAPPING, None],
    "machine.id": [*WORDS, *NO_TEXT, ""],
    "machine.host": [*WORDS, 7, [], {}],
    "machine.address": [*WORDS, 7, [], {}, "a@b", "x:22"],
    "machine.port": [*NO_PORT, None],
    "machine.user": [*WORDS, 7, [], {}, "-l"],
    "machine.key": ["-x", "a\nb", '/a"b', "/${HOME}/x", "a\x1bb", 7, [], {}],
    "machine.jump": [*WORDS, 7, [], "a,b", "door:x"],
    "machine.host_key": [*WORDS, f"{KEY}\n* {KEY}", f"@cert-authority * {KEY}", "ssh-ed25519", f"x {KEY}", 7, []],
    "machine.become_password": ["secret", "file:", "env:A B", "env:", "generate me", "file:/a\nb", 7, []],
    "machine.home": ["", "-x", "a\nb", 7, None],
    "machine.way": [
        {},
        "x",
        [{}],
        ["x"],
        [{**LOGIN, "user": "-oX"}],
        [{**LOGIN, "address": ""}],
        [dict(LOGIN, port=0)],
    ],
    "machine.gpu_ids": ["0", [0], ["-1"], ["0;x"], {}, None],
    "machine.region": [*WORDS[:6], ["a b"], 7, {}],
    "machine.engine": [*WORDS, 7, []],
    "machine.ends": ["tomorrow", "2026-13-01", "2026-12-24", "9" * 400, 7, []],
    "machine.tunnel": ["yes", 1, None],
    "machine.rate": [{}, [], "x"],
    "spec": [*NO_MAPPING, None, {"template": "x"}],
    "spec.template": ["../../x", "a/b", "-x", "", *NO_TEXT, "a\nb"],
    "spec.role": ["../x", "a.b.c", "-x", "", *NO_TEXT],
    "spec.machine": [*NO_MAPPING, None, {"user": "-oX"}, {"address": "a\nb"}, {"key": "a\nb"}],
    "spec.params": [*NO_MAPPING, None],
    "spec.env": [*NO_MAPPING, None, {"A B": "x"}, {"A": 1}],
    "spec.secrets": [*NO_MAPPING, None, {"A": "the value"}, {"A B": "generate"}, {"A": None}],
    "spec.ports": [*NO_MAPPING, None, {"web": "80"}, {"../x": 80}],
    "spec.service": [*NO_MAPPING, None, {}],
    "spec.service.ports": [*NO_MAPPING, None, {"web": {}}, {"web": {"host": "1 -oX", "protocol": "http"}}],
    "spec.access": [*NO_MAPPING, None, {}, {"expose": "all"}, {"expose": "public"}, {**EXPOSED, "auth": "x"}],
    "spec.access.domain": WORDS,
    "spec.access.expose": [{"cidr": ["x y"]}, {"cidr": "0.0.0.0/0"}, {}, {"cidr": [], "more": 1}],
    "spec.labels": [*NO_MAPPING, None],
    "spec.lifecycle": [*NO_MAPPING, None, {"ttl": "!touch x"}, {"ttl": 7}, {"ttl": []}],
}


def changed(record: Record, place: str, value: Any) -> Record:
    first, *rest = place.split(".")
    data = getattr(record, first)
    return replace(record, **{first: inside(data, rest, value)})


def inside(data: Any, path: list[str], value: Any) -> Any:
    return {**data, path[0]: inside(data.get(path[0], {}), path[1:], value)} if path else value


def test_whole_record_is_right() -> None:
    from dataclasses import asdict

    assert record_fields.wrong(asdict(WHOLE)) is None
    assert record_fields.wrong(asdict(make.record())) is None
    assert record_fields.wrong(asdict(Record("web", "aws", "running", "", {}, {"region": ["us-east-1"]}))) is None


@pytest.mark.parametrize("place", HOSTILE)
def test_field_that_is_not_what_it_is_used_as_is_refused(tmp_path: Path, place: str) -> None:
    repo = Repo(tmp_path)
    for value in HOSTILE[place]:
        records.write(repo, WHOLE)
        text = records.to_text(replace(changed(WHOLE, place, value), file="") if place != "file" else WHOLE)
        if place == "file":
            text = records.to_text(replace(WHOLE, file="")).replace('"file": ""', f'"file": {make_json(value)}')
        repo.record_file("web").write_text(text, encoding="utf-8", errors="surrogatepass")
        found, damaged = records.read_each(repo)
        assert not found, (place, value)
        [problem] = damaged["web"].problems
        assert (problem.code, problem.file) == ("damaged-record", "inventory/host_vars/web/access.yaml")
        assert place.split(".", maxsplit=1)[0] in problem.message or place == "deployment"
        assert str(value) not in problem.message or len(str(value)) < 5


def make_json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("name", ["../../x", "..", ".", "", "a/b", "/etc", "-x", "A", "a b", "ä"])
def test_name_is_never_a_way_out(tmp_path: Path, name: str) -> None:
    repo = Repo(tmp_path / "deep" / "er")
    (tmp_path / "x").mkdir(parents=True)
    (tmp_path / "x" / "access.yaml").write_text(records.to_text(WHOLE))
    assert records.read(repo, name) is None


def test_folder_that_is_called_like_no_deployment_holds_no_record(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    (repo.host_vars / "Not_A_Name").mkdir(parents=True)
    assert records.read_each(repo) == ({}, {})
    (repo.host_vars / "Not_A_Name" / "access.yaml").write_text(records.to_text(WHOLE))
    assert list(records.read_each(repo)[1]) == ["Not_A_Name"]


@pytest.mark.parametrize("kind", ["file", "folder", "pipe", "folder instead", "dangling", "too large", "unreadable"])
def test_record_that_is_no_file_of_ours_is_refused(tmp_path: Path, kind: str) -> None:
    repo, outside = Repo(tmp_path / "repo"), tmp_path / "outside"
    outside.mkdir()
    (outside / "access.yaml").write_text(records.to_text(WHOLE))
    path = repo.record_file("web")
    path.parent.parent.mkdir(parents=True)
    if kind == "folder":
        path.parent.symlink_to(outside)
    else:
        path.parent.mkdir()
    if kind in ("file", "dangling"):
        path.symlink_to(outside / ("access.yaml" if kind == "file" else "none"))
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder instead":
        path.mkdir()
    elif kind == "too large":
        path.write_bytes(b"#" * (records.LONGEST + 1))
    elif kind == "unreadable":
        if os.getuid() == 0:
            pytest.skip("root reads everything")
        path.touch(mode=0)
    found, damaged = records.read_each(repo)
    assert not found
    [problem] = damaged["web"].problems
    assert problem.code == "damaged-record"
    assert problem.hint


LINKS = [
    ("inventory/host_vars/web", "folder"),
    ("inventory/host_vars", "folder"),
    ("inventory/host_vars/web/access.yaml", "file"),
    ("inventory", "folder"),
]


@pytest.mark.parametrize(("link", "kind"), LINKS)
def test_nothing_is_written_through_a_link(tmp_path: Path, link: str, kind: str) -> None:
    repo, outside = Repo(tmp_path / "repo"), tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("as it was")
    place = repo.root / link
    place.parent.mkdir(parents=True)
    place.symlink_to(outside if kind == "folder" else outside / "kept")
    with pytest.raises(InvalidFiles) as caught:
        records.write(repo, WHOLE)
    assert caught.value.problems[0].code == "symlink-refused"
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (outside / "kept").read_text() == "as it was"


@pytest.mark.parametrize("text", ["[" * 5000, '{"a":' * 5000, "[" * 5000 + "]" * 5000, '["\\ud800"]', "\xff", "nul"])
def test_text_that_is_none_of_ours_is_damage_and_no_crash(text: str) -> None:
    with pytest.raises(ValueError, match="it "):
        parsed(text.encode("latin-1"))


def test_depth_is_that_of_brackets_and_not_of_texts() -> None:
    assert too_deep("[" * 200)
    assert not too_deep('["' + "[" * 200 + '"]')
    assert not too_deep("[[]]," * 200)


PLACES = [
    ".runner",
    ".runner/runs",
    ".runner/cache",
    ".runner/tmp",
    ".runner/known_hosts.d",
    "inventory/known_hosts",
    "inventory/host_vars",
    "deployments/access",
    "deployments/README.md",
]


@pytest.mark.parametrize("place", PLACES)
def test_command_refuses_a_repository_that_leads_elsewhere(tmp_path: Path, place: str) -> None:
    small = Small(tmp_path / "repo")
    (tmp_path / "outside").mkdir()
    link = small.root / place
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidFiles) as caught:
        find(small.root)
    assert [(p.code, p.file) for p in caught.value.problems] == [("symlink-refused", place)]


def test_secrets_are_not_read_through_a_link(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    (tmp_path / "outside").mkdir()
    repo.host_vars.mkdir(parents=True)
    (repo.host_vars / "web").symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidFiles):
        vault.read(repo, "web")


# --- Commands --------------------------------------------------------------------------------------------------------

SSH_RECORD = {**MACHINE, "become_password": None}
ATTACKS = {
    "host": {"host": "../../../../sprung"},
    "user": {"user": "-oProxyCommand=touch sprung"},
    "key": {"key": 'x"\n  ProxyCommand touch sprung'},
    "address": {"address": "192.0.2.1\n  ProxyCommand touch sprung"},
    "host_key": {"host_key": f"{KEY}\nx"},
    "id": {"id": "../../../sprung"},
    "jump": {"jump": "-oProxyCommand=touch sprung"},
}


@pytest.fixture
def shell(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    small = Small(tmp_path / "a" / "repo")
    monkeypatch.chdir(small.root)
    return Shell(small, capfd)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("provider", ["ssh", "aws", "local"])
def test_hostile_record_executes_nothing_and_writes_nothing_outside(
    shell: Shell, tmp_path: Path, attack: str, provider: str
) -> None:
    shell.small.deployment("good", "template: app\nstate: stopped\nports: {web: 1000, api: 1001}\n")
    hostile = make.record(make.desired("evil"), provider=provider, machine={**SSH_RECORD, **ATTACKS[attack]})
    shell.small.write("inventory/host_vars/evil/access.yaml", records.to_text(hostile))
    before = everything(tmp_path, shell.small.root)
    for words in (
        ["plan"],
        ["status"],
        ["status", "evil"],
        ["ssh", "evil", "--print"],
        ["ssh", "evil", "--config"],
        ["ssh", "evil"],
        ["tunnel", "evil", "--print"],
        ["access", "evil"],
        ["orphans"],
        ["drift"],
        ["logs", "evil"],
        ["trust", "evil"],
    ):
        answer = shell(*words)
        assert "Traceback" not in answer.err, words
        assert "ProxyCommand touch" not in answer.out
        assert everything(tmp_path, shell.small.root) == before, words
    answer = shell("plan", "--json")
    actions = {item["deployment"]: item for item in answer.json["actions"]}
    assert (answer.code, actions["evil"]["code"], actions["good"]["action"]) == (4, "damaged-record", "none")


def everything(top: Path, root: Path) -> dict[str, str]:
    """All that is there, but what the runner keeps for itself."""
    ours = (root / ".runner", top / "data")
    return {
        str(path): path.read_text() if path.is_file() else ""
        for path in top.rglob("*")
        if not any(path.is_relative_to(one) for one in ours)
    }
