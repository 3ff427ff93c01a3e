"""What holds for every text: a mapping or a fault, and the same data as PyYAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from runner import yamlfile
from runner.scalars import plain
from runner.yamlfile import YamlFault

tokens = st.sampled_from(
    [
        *"ab:[]{},'\"\\#|>%@`~1\t\r\n\x85\u2028\x00\ufeff\ud800",
        ": ",
        "- ",
        "? ",
        "  ",
        "&x ",
        "*x",
        "!t ",
        "---",
        "...",
        "<<",
    ]
)
any_text = st.one_of(st.text(st.characters(), max_size=60), st.lists(tokens, max_size=40).map("".join))


def outcome(text: str) -> dict[str, Any] | YamlFault:
    try:
        return yamlfile.parse(text)
    except YamlFault as fault:
        return fault


@given(any_text)
@example("a: &x {a: *x}")
@example("\ufeff")
@example("%YAML 9.9\n---\n")
def test_any_text_is_a_mapping_or_a_fault(text: str) -> None:
    read = outcome(text)
    if isinstance(read, YamlFault):
        assert read.code
        assert read.message
        assert 0 <= read.line <= len(text.splitlines()) + 1
    else:
        assert set(yamlfile.lines(text)) >= {(key,) for key in read}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "any.yaml"


@given(st.binary(max_size=80))
@example(b"\xff\xfe")
@example(b"\xef\xbb\xbf")
def test_any_bytes_are_a_text_or_a_fault(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    try:
        text = yamlfile.read(file)
    except YamlFault as fault:
        text = fault.code
    assert text == "not-utf8" or isinstance(outcome(text), dict | YamlFault)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff"), max_size=12),
)
documents = st.dictionaries(
    st.text("abcdefghij", min_size=1, max_size=5),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1), inner),
        max_leaves=8,
    ),
    min_size=1,
)


@given(documents, st.sampled_from([None, True, False]))
def test_agrees_with_pyyaml_on_data_that_pyyaml_wrote(data: dict[str, Any], flow: bool | None) -> None:
    """Texts that mean something else in YAML 1.1 or 1.2 are quoted by one of the two, or are left out here."""
    texts = [leaf for leaf in leaves(data) if isinstance(leaf, str)]
    assume(all(plain(text) == text for text in texts))
    written = yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True)
    assert yaml.safe_load(written) == data
    assert yamlfile.parse(written) == data


def leaves(data: Any) -> list[Any]:
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else None
    return [data] if inner is None else [leaf for item in inner for leaf in leaves(item)]
