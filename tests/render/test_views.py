"""Promises that every view keeps, and what each one must say."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from runner.redact import Redactor
from runner.render.access import access_text
from runner.render.doctor import doctor_text
from runner.render.gallery import template_text, templates_text
from runner.render.reports import drift_text, events_text, history_text, locks_text, orphans_text
from runner.render.results import results_text
from runner.render.status import deployment_text, status_text
from runner.render.style import SYMBOLS, Style, to_ascii
from runner.render.text import SGR, width
from tests.render import samples

PLAIN = Style(width=80, now=samples.NOW)
VIEWS: dict[str, tuple[Callable[..., str], dict[str, Any]]] = {
    "status": (status_text, samples.STATUS),
    "deployment": (deployment_text, samples.VOICE),
    "drifted deployment": (deployment_text, samples.CHAT),
    "templates": (templates_text, samples.TEMPLATES),
    "gallery": (partial(templates_text, verbose=True), samples.TEMPLATES),
    "template": (template_text, samples.TEMPLATE),
    "access": (access_text, samples.ACCESS),
    "drift": (drift_text, samples.DRIFT),
    "orphans": (orphans_text, samples.ORPHANS),
    "events": (events_text, samples.EVENTS),
    "history": (history_text, samples.HISTORY),
    "locks": (locks_text, samples.LOCKS),
    "doctor": (doctor_text, samples.DOCTOR),
    "results": (results_text, samples.RESULTS),
}
every_view = pytest.mark.parametrize("view", VIEWS)
ENUMERATIONS = {"health", "sync", "status", "result", "gpu"}


def shown(view: str, style: Style = PLAIN, change: Callable[[str], str] | None = None) -> str:
    render, data = VIEWS[view]
    return render(each_text(data, change) if change else data, style=style)


def each_text(data: Any, change: Callable[[str], str], key: str = "") -> Any:
    """The data with every text changed, but for words that mean something to the program."""
    if isinstance(data, dict):
        return {name: each_text(value, change, name) for name, value in data.items()}
    if isinstance(data, list):
        return [each_text(item, change, key) for item in data]
    return change(data) if isinstance(data, str) and key not in ENUMERATIONS else data


@every_view
def test_a_secret_in_any_field_is_masked_even_where_texts_are_cut_or_wrapped(view: str) -> None:
    secret = "correct horse battery staple of 2026"
    redactor = Redactor()
    redactor.add(secret)
    for cells in (40, 80):
        text = shown(view, Style(width=cells, now=samples.NOW, redactor=redactor), lambda old: f"{old} {secret}")
        assert "•••" in text
        assert not re.search("horse|battery|staple", text)


@every_view
def test_no_field_can_steer_the_terminal(view: str) -> None:
    attack = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202etxet\r\x08"
    text = shown(view, Style(width=80, color=True, now=samples.NOW), lambda old: old + attack)
    rest = SGR.sub("", text)
    assert "txet" in rest
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", rest)
    assert "^[" in rest


@every_view
@pytest.mark.parametrize("cells", [50, 60, 80, 120])
def test_views_fit_the_terminal(view: str, cells: int) -> None:
    for line in shown(view, Style(width=cells, now=samples.NOW)).splitlines():
        assert width(line) <= cells or re.search(r"http|runner |openai|\.yaml", line), line


@every_view
def test_colour_changes_nothing_but_colour(view: str) -> None:
    coloured = shown(view, Style(width=80, color=True, now=samples.NOW))
    assert "\x1b[" in coloured
    assert SGR.sub("", coloured) == shown(view)


@every_view
def test_symbols_have_stand_ins_of_the_same_width(view: str) -> None:
    text = shown(view, Style(width=80, unicode=False, now=samples.NOW))
    assert to_ascii(text).isascii()
    assert [len(line) for line in to_ascii(text).splitlines()] == [width(line) for line in text.splitlines()]


def test_every_symbol_has_a_stand_in() -> None:
    assert to_ascii(SYMBOLS).isascii()


def test_status_says_both_axes_and_why() -> None:
    assert shown("status", Style(width=100, now=samples.NOW)).splitlines() == [
        "NAME   TEMPLATE  WHERE  SYNC       HEALTH      SINCE      PRICE",
        "chat   ollama    aws    ± drifted  ● healthy      1h  $0.8048/h  http://127.0.0.1:11434",
        "  └ 2 fields differ",
        "voice  ollama    local  ✓ in-sync  ▲ degraded     1h    unknown  http://127.0.0.1:11434",
        "  └ api answered 502 Bad Gateway for 4 minutes",
        "  ⏸ on hold until 2026-12-24: demo week",
        "off    ollama    local  ✓ in-sync  ○ stopped      1h          –",
        "",
        "3 deployments · 1 healthy, 1 degraded, 1 stopped · 1 drifted ·",
        "$0.8048/h ($587.50/month), 1 unknown price",
    ]


def test_status_keeps_urls_whole_where_it_is_narrow() -> None:
    lines = shown("status", Style(width=40, now=samples.NOW)).splitlines()
    assert "  http://127.0.0.1:11434" in lines
    assert lines[0].split() == ["NAME", "SYNC", "HEALTH", "PRICE"]


def test_status_of_an_empty_repository_says_how_to_begin() -> None:
    assert "runner new" in status_text({"deployments": []}, style=PLAIN)


def test_status_takes_words_it_does_not_know() -> None:
    row = samples.deployment("odd", health="confused", sync="maybe", since="")
    assert "? confused" in status_text({"deployments": [row]}, style=PLAIN)
    assert "1 confused" in status_text({"deployments": [row]}, style=PLAIN)


def test_faulty_deployment_says_where_to_look_and_nothing_that_is_not_known() -> None:
    row = samples.deployment("odd", provider="", template="ollama", state="unknown", sync="unknown", health="unknown")
    lines = deployment_text(row, style=PLAIN).splitlines()
    assert lines[1] == "ollama"
    assert lines[-1].endswith("runner validate")


def test_one_deployment_shows_what_is_not_applied_and_what_to_type() -> None:
    text = shown("drifted deployment")
    assert "params.model   llama3.2:3b → qwen2.5:7b" in text
    assert "runner plan chat" in text
    assert "AWS price list, 3 days old" in text


def test_templates_take_one_line_each() -> None:
    title, *lines = shown("templates").splitlines()
    assert title.split() == ["ID", "FOR", "GPU", "NAME"]
    assert lines.index("") == len(samples.TEMPLATES["templates"])
    assert "(coming soon)" in shown("templates")


def test_gallery_puts_what_works_before_what_is_announced() -> None:
    text = shown("gallery")
    assert text.index("ollama") < text.index("comfyui")
    assert "coming soon: licence" in text
    assert "premium" in text
    assert "GPU with 8 GB (optional) · 16 GB RAM · 50 GB disk" in text


def test_gallery_without_unicode_has_no_icons() -> None:
    assert "🦙" in shown("gallery")
    assert "🦙" not in shown("gallery", Style(width=80, unicode=False))


def test_form_says_what_can_be_set_and_gives_a_command_that_works() -> None:
    lines = [line.strip() for line in shown("template").splitlines()]
    assert "model    string, required, default llama3.2:3b" in lines
    assert "one of llama3.2:3b, qwen2.5:7b" in lines
    assert "at least 512; at most 131072" in lines
    assert "api_key  string, secret, made for you when you give none" in lines
    assert "api  11434 http (in the container 8080)  OpenAI API" in lines
    assert "deepseek-r1:70b  R1            reasoning  43 GB  48 GB  needs a token" in lines
    assert lines[-1].endswith("runner new ollama NAME --set model=deepseek-r1:70b")


def test_form_asks_for_what_has_no_default() -> None:
    needy = {**samples.TEMPLATE, "params": {"repo": {"type": "string", "description": "", "required": True}}}
    assert template_text(needy, style=PLAIN).endswith("runner new ollama NAME --set repo=…")


def test_access_masks_secrets_and_says_how_to_see_them() -> None:
    text = shown("access")
    assert "API_KEY  ••••••" in text
    assert "runner access chat --show-secrets" in text


def test_access_shows_a_secret_that_was_asked_for() -> None:
    data = {**samples.ACCESS, "secrets": [{"name": "API_KEY", "value": "hunter22", "where": "vault"}]}
    text = access_text(data, style=PLAIN)
    assert "API_KEY  hunter22" in text
    assert "--show-secrets" not in text


def test_access_says_who_else_gets_in() -> None:
    told = {"who": "public at port 443, token", "ca": "deployments/access/chat.ca.pem"}
    text = access_text({**samples.ACCESS, "exposed": told}, style=PLAIN)
    assert "Access  public at port 443, token" in text
    assert "CA      deployments/access/chat.ca.pem" in text


def test_snippets_can_be_copied_as_they_stand() -> None:
    text = shown("access", Style(width=40, color=True, now=samples.NOW))
    assert "\nfrom openai import OpenAI\n\nOpenAI(\n    api_key='x',\n)\n" in text


def test_drift_shows_fields_and_what_could_not_be_looked_at() -> None:
    text = shown("drift")
    assert "env.LOG_LEVEL  unset → debug" in text
    assert "! desktop could not be looked at: connection refused" in text
    assert text.endswith("1 of 11 deployments drifted. 1 could not be looked at. Repair: runner reconcile")


def test_no_drift_is_one_line() -> None:
    assert drift_text({"deployments": [], "checked": 3}, style=PLAIN) == "No drift in 3 deployments."


def test_no_drift_is_only_said_of_what_could_be_looked_at() -> None:
    text = drift_text({**samples.DRIFT, "deployments": []}, style=PLAIN)
    assert text.endswith("No drift in 11 deployments. 1 could not be looked at.")


@pytest.mark.parametrize(
    ("by_hand", "repair"),
    [
        ((False, False), "runner reconcile"),
        ((True, True), "runner restart chat notes"),
        ((False, True), "runner reconcile, runner restart notes"),
    ],
)
def test_drift_names_what_repairs_it(by_hand: tuple[bool, bool], repair: str) -> None:
    """A plan does not see what was changed by hand."""
    rows = [
        {"name": name, "provider": "ssh", "reason": "", "changes": [], "by_hand": hand}
        for name, hand in zip(("chat", "notes"), by_hand, strict=True)
    ]
    assert drift_text({"deployments": rows, "checked": 2}, style=PLAIN).endswith(f"drifted. Repair: {repair}")


def test_orphans_tell_what_they_cost_and_how_to_remove_them() -> None:
    assert shown("orphans").endswith("1 orphan, $0.8048/h ($587.50/month). Remove: runner orphans --destroy")


def test_no_orphans_is_only_said_of_where_one_could_look() -> None:
    assert orphans_text({"orphans": []}, style=PLAIN) == "No orphans."
    assert "where one could look" in orphans_text({**samples.ORPHANS, "orphans": []}, style=PLAIN)


def test_events_name_step_time_and_error() -> None:
    lines = shown("events").splitlines()
    assert lines[0] == "01:03:07  notebook  ✓ Ensure uv is installed (2.1s)"
    assert lines[2] == "01:03:07  chat      ✗ Ensure the image is pulled (41s): no space left on device"
    assert lines[3] == "01:03:07  chat      ✗ failed: no space left on device"


@pytest.mark.parametrize(
    ("render", "data"),
    [
        (events_text, {"events": []}),
        (history_text, {"name": "chat", "entries": []}),
        (locks_text, {"locks": []}),
        (templates_text, {"templates": []}),
        (doctor_text, {"checks": []}),
    ],
)
def test_nothing_is_said_in_one_line(render: Callable[..., str], data: dict[str, Any]) -> None:
    assert len(render(data, style=PLAIN).splitlines()) == 1


def test_doctor_gives_a_fix_for_what_failed_only() -> None:
    text = shown("doctor")
    assert "→ join group docker" in text
    assert "set AWS_PROFILE" not in text
    assert text.endswith("1 check failed.")


def test_results_give_url_or_error_with_hint_and_the_next_command() -> None:
    assert shown("results").splitlines() == [
        "  DEPLOYMENT  RESULT         TIME",
        "✓ notebook    changed      2m 03s  http://127.0.0.1:8888",
        "✗ chat        failed          41s",
        "  └ Ensure the image is pulled: no space left on device",
        "    → docker system prune",
        "○ late        interrupted",
        "",
        "  see what happened  runner events chat",
        "  use it             runner access notebook",
    ]


@pytest.mark.parametrize(("action", "step"), [("stop", "runner start chat"), ("start", "runner access chat")])
def test_what_was_stopped_is_offered_to_be_started_not_to_be_used(action: str, step: str) -> None:
    row = {"deployment": "chat", "action": action, "result": "changed", "seconds": 1.0, "url": "http://127.0.0.1:1"}
    assert results_text({"results": [row]}, style=PLAIN).splitlines()[-1].endswith(step)
