"""Scripts of the repository: there, pinned, and nothing that shellcheck warns of."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from runner import scripts
from runner.cli import cli
from tests.conftest import ROOT
from tests.small import Small, told

GOOD = '#!/bin/bash\nexec python3 -m http.server --bind 127.0.0.1 "$PORT"\n'
BAD = "#!/bin/bash\nrm -rf $1/\n"
HOST = "providers: {ssh: {hosts: {box: {address: 192.0.2.1}}}}\n"


@pytest.fixture
def small(tmp_path: Path) -> Small:
    made = Small(tmp_path / "repo")
    made.write("templates/custom-script.yaml", (ROOT / "templates" / "custom-script.yaml").read_text())
    made.write("runner.yaml", f"id: test\n{HOST}")
    made.write("tools/good.sh", GOOD)
    made.write("bad.sh", BAD)
    return made


def pinned(small: Small, source: str, text: str = GOOD, more: str = "", provider: str = "ssh") -> Path:
    checksum = hashlib.sha256(text.encode()).hexdigest()
    params = f"params: {{script: {source!r}, sha256: {checksum}}}\n"
    return small.deployment("mine", f"template: custom-script\nprovider: {provider}\n{params}{more}")


def test_pinned_script_becomes_part_of_the_spec(small: Small) -> None:
    pinned(small, "tools/good.sh", more="service: {command: [--fast], ports: {web: 9000}, health: {path: /ok}}\n")
    loaded = small.load()
    assert not loaded.problems
    service = loaded.desired["mine"].spec["service"]
    assert service["script"] == {"source": "tools/good.sh", "sha256": hashlib.sha256(GOOD.encode()).hexdigest()}
    assert (service["command"], service["env"], service["image"]) == (["--fast"], {"PORT": "9000"}, "")


@pytest.mark.parametrize("use_cache", [False, True])
def test_changed_script_is_refused_even_when_the_deployment_did_not_change(small: Small, *, use_cache: bool) -> None:
    pinned(small, "tools/good.sh")
    assert not small.load(use_cache=use_cache).problems
    small.write("tools/good.sh", GOOD + "curl evil\n")
    [problem] = small.load(use_cache=use_cache).problems
    assert (problem.code, problem.where) == ("script-changed", "deployments/mine.yaml:3")
    assert hashlib.sha256((GOOD + "curl evil\n").encode()).hexdigest() in problem.hint
    assert "evil" not in str(told([problem]))


@pytest.mark.parametrize("source", ["tools/missing.sh", "tools", "linked.sh"])
def test_script_that_is_no_file_of_the_repository(small: Small, source: str) -> None:
    (small.root / "linked.sh").symlink_to("/etc/hostname")
    pinned(small, source)
    assert [problem.code for problem in small.load().problems] == ["no-such-script"]


@pytest.mark.parametrize("source", ["../outside.sh", "/etc/passwd", "tools/../bad.sh", "ftp://x/y.sh", "a b.sh", "-x"])
def test_source_that_is_neither_a_path_inside_nor_a_url(small: Small, source: str) -> None:
    pinned(small, source)
    assert [problem.code for problem in small.load().problems] == ["invalid-value"]


def test_script_behind_a_url_is_checked_where_it_is_fetched(small: Small) -> None:
    pinned(small, "https://scripts.example/serve.sh")
    loaded = small.load()
    assert not loaded.problems
    assert scripts.lint(small.repo, loaded.desired.values()) == ([], [])


def test_script_needs_a_checksum(small: Small) -> None:
    small.deployment("mine", "template: custom-script\nprovider: ssh\nparams: {script: tools/good.sh}\n")
    assert [(p.code, p.field) for p in small.load().problems] == [("missing-param", "params.sha256")]


def test_only_machines_with_systemd_run_scripts(small: Small) -> None:
    pinned(small, "tools/good.sh", provider="local")
    [problem] = small.load().problems
    assert (problem.code, problem.message) == (
        "does-not-fit",
        "local: scripts run confined by systemd, on machines of the provider ssh",
    )


def test_validate_shows_what_shellcheck_finds(small: Small) -> None:
    pinned(small, "bad.sh", BAD)
    done = CliRunner().invoke(cli, ["--root", str(small.root), "validate"])
    [problem] = getattr(done.exception, "problems", [])
    assert (problem.where, problem.code) == ("bad.sh:2", "shellcheck")
    assert "SC2115" in problem.message


def test_validate_says_when_shellcheck_is_missing(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "shellcheck", lambda: "")
    pinned(small, "bad.sh", BAD)
    done = CliRunner().invoke(
        cli, ["--root", str(small.root), "validate"], catch_exceptions=False, standalone_mode=False
    )
    assert "params.script bad.sh was not checked: shellcheck is not installed" in done.output + done.stderr
