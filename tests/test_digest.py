"""Fingerprints are the same on every machine and in every version: records and marks hold them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runner.digest import digest, text_digest

json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def test_digests_that_are_stored_somewhere_never_change() -> None:
    assert digest({}) == "44136fa355b3678a"
    assert digest({"b": [1, 2.5, True, None], "a": "é {{ x }}"}) == "921752281017796e"
    assert text_digest("") == "e3b0c44298fc1c14"
    assert text_digest("é\n") == "edd3a863872a0423"


def turned(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: turned(data[key]) for key in reversed(data)}
    return [turned(item) for item in data] if isinstance(data, list) else data


@given(json_data)
def test_digest_does_not_depend_on_the_order_of_keys(data: Any) -> None:
    assert digest(turned(data)) == digest(data)


@given(json_data)
def test_digest_survives_json(data: Any) -> None:
    """Records and caches keep specs as JSON; what is read back must not look changed."""
    assert digest(json.loads(json.dumps(data))) == digest(data)


def test_values_that_look_alike_differ() -> None:
    alike: list[Any] = [None, "", 0, "0", False, "false", 1, True, [], {}, [[]], ["a"], "a", {"a": None}, {"a": ""}]
    assert len({digest(value) for value in alike}) == len(alike)
