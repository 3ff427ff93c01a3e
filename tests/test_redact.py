"""No known secret survives, in whatever form it is printed."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runner.redact import MASK, Redactor

NASTY = "p'a\"s$s\\w/o rd+é\t&%"
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON, not ASCII": lambda s: json.dumps(s, ensure_ascii=False),
    "JSON in JSON": lambda s: json.dumps(json.dumps(s)),
    "Python": repr,
    "shell": shlex.quote,
    "shell, other way": lambda s: "'" + s.replace("'", "'\\''") + "'",
    "YAML": lambda s: "'" + s.replace("'", "''") + "'",
    "URL": lambda s: quote(s, safe=""),
    "URL path": quote,
    "URL query": quote_plus,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "basic authorization": lambda s: base64.b64encode(f"admin:{s}".encode()).decode(),
    "basic authorization, other offset": lambda s: base64.b64encode(f"me:{s}:end".encode()).decode(),
}
secrets = st.text(st.characters(exclude_characters="•", exclude_categories=["Cs"]), min_size=4, max_size=30)


def knowing(*values: str) -> Redactor:
    redactor = Redactor()
    for value in values:
        redactor.add(value)
    return redactor


@pytest.mark.parametrize("form", FORMS)
def test_masks_every_form(form: str) -> None:
    printed = f"before {FORMS[form](NASTY)} after"
    masked = knowing(NASTY).text(printed)
    assert MASK in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    for length in (8, len(NASTY)):  # not even a good part of it
        assert FORMS[form](NASTY)[2 : 2 + length] not in masked


@given(secrets, st.text(), st.text())
@settings(deadline=None)
def test_no_secret_survives_in_text(secret: str, before: str, after: str) -> None:
    assert secret not in knowing(secret).text(before + secret + after)


@given(secrets, secrets, st.integers(0, 40))
@settings(deadline=None)
def test_overlapping_secrets_leave_no_rest(one: str, two: str, shift: int) -> None:
    text = one[: shift % len(one)] + two
    masked = knowing(one, two).text(text + one)
    assert one not in masked
    assert two not in masked


@given(secrets, st.dictionaries(st.text(), st.recursive(st.text() | st.none() | st.booleans(), st.lists)))
@settings(deadline=None)
def test_no_secret_survives_in_data(secret: str, data: dict[str, object]) -> None:
    masked = knowing(secret).data({**data, secret: [{"deep": (f"x{secret}y", secret)}]})
    assume(secret not in "deep")
    assert not any(secret in leaf for leaf in leaves(masked))


def leaves(data: object) -> list[str]:
    if isinstance(data, dict):
        return [leaf for pair in data.items() for part in pair for leaf in leaves(part)]
    if isinstance(data, list):
        return [leaf for item in data for leaf in leaves(item)]
    return [data] if isinstance(data, str) else []


def test_data_without_secrets_comes_back_untouched() -> None:
    data = {"a": [1, None, True, "text"]}
    assert knowing("hunter22").data(data) is data


def test_a_number_that_is_a_secret_is_masked_and_other_numbers_are_not() -> None:
    assert knowing("1234").data({"pin": 1234, "port": 12345, "on": True}) == {"pin": MASK, "port": 12345, "on": True}


def test_short_values_are_ignored() -> None:
    assert knowing("abc", "", "  a ").text("abc a") == "abc a"


def test_a_value_from_a_file_is_also_known_without_its_line_end() -> None:
    assert knowing("hunter22\n").text("login hunter22!") == f"login {MASK}!"


def test_each_line_of_a_private_key_is_masked() -> None:
    key = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\nq83vEjRWeJq83vEj\nabc\n-----END KEY-----\n"
    masked = [knowing(key).text(line) for line in key.splitlines()]
    assert masked == ["-----BEGIN KEY-----", MASK, MASK, "abc", "-----END KEY-----"]


def test_touching_secrets_become_one_mask() -> None:
    assert knowing("aaaa", "bbbb").text("xaaaabbbby") == f"x{MASK}y"


def test_a_revealed_value_is_shown_and_others_are_not() -> None:
    redactor = knowing("hunter22", "swordfish")
    redactor.reveal("hunter22")
    assert redactor.text("hunter22 swordfish") == f"hunter22 {MASK}"
