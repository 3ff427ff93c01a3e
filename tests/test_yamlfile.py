"""Strict YAML: what each text says, and which fault each wrong text has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner import yamlfile
from runner.yamlfile import MAX_BYTES, YamlFault


@pytest.mark.parametrize(
    ("written", "value"),
    [
        # YAML 1.2 and 1.1 agree
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("1.50", 1.5),
        ("-.5", -0.5),
        ("2.", 2.0),
        ('"1"', "1"),
        ("'true'", "true"),
        ('"a\\tb\\u00e9"', "a\tbé"),
        ("llama3.2:3b", "llama3.2:3b"),
        # only YAML 1.1 makes something else of these
        ("no", "no"),
        ("on", "on"),
        ("Y", "Y"),
        ("12:30:45", "12:30:45"),
        ("2026-12-24", "2026-12-24"),
        ("1_000", "1_000"),
        ("010", 10),
        ("08", 8),
        ("1e3", 1000.0),
        ("=", "="),
        # narrower than both, on purpose
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("9223372036854775807", 9223372036854775807),
        ("-9223372036854775808", -9223372036854775808),
        ("9223372036854775808", "9223372036854775808"),
        ("1" * 5000, "1" * 5000),
        ("<<", "<<"),
    ],
)
def test_value_means(written: str, value: Any) -> None:
    read = yamlfile.parse(f"a: {written}\n")["a"]
    assert read == value
    assert isinstance(read, type(value))
    assert isinstance(read, bool) is isinstance(value, bool)
    if isinstance(read, int | float) and not isinstance(read, bool):
        assert str(read) == written  # where text is wanted, nothing is lost


def test_mappings_lists_and_texts_nest() -> None:
    text = "a:\n  - {b: [1, two]}\n  - |\n    line\n    more\nc: >-\n  folded\n  text\n'd e': \"\"\n"
    assert yamlfile.parse(text) == {"a": [{"b": [1, "two"]}, "line\nmore\n"], "c": "folded text", "d e": ""}


def test_keys_are_always_text() -> None:
    assert yamlfile.parse("1: a\ntrue: b\nnull: c\n") == {"1": "a", "true": "b", "null": "c"}


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
FAULTS: list[Any] = [
    ("nothing", "", "empty-file", "the file is empty", 0),
    ("only comments", "# later\n", "empty-file", "the file is empty", 0),
    ("a list", "- a\n", "not-a-mapping", "the file must be a mapping of fields", 1),
    ("a word", "hello\n", "not-a-mapping", "the file must be a mapping of fields", 1),
    ("null", "~\n", "not-a-mapping", "the file must be a mapping of fields", 1),
    ("a key twice", "a: 1\nb: 2\na: 3\n", "duplicate-key", "a is given twice", 3),
    ("an inner key twice", "a:\n  b: 1\n  b: 1\n", "duplicate-key", "b is given twice", 3),
    ("the same key in quotes", "a: 1\n'a': 2\n", "duplicate-key", "a is given twice", 2),
    ("a tab before a key", "a:\n\tb: 1\n", "tab-indent", "a tab is used for indentation", 2),
    ("a tab first", "\ta: 1\n", "tab-indent", "a tab is used for indentation", 1),
    ("an anchor", "a: 1\nb: &x 1\n", "alias-not-allowed", "anchors and aliases are not supported here", 2),
    ("an alias of a text", "a: &x 1\nb: *x\n", "alias-not-allowed", "anchors and aliases are not supported here", 1),
    ("an unknown alias", "a: *x\n", "alias-not-allowed", "anchors and aliases are not supported here", 1),
    ("an endless alias", "a: &x [*x]\n", "alias-not-allowed", "anchors and aliases are not supported here", 1),
    ("an anchor bomb", BOMB, "alias-not-allowed", "anchors and aliases are not supported here", 1),
    ("a merge", "a: &x {b: 1}\nc: {<<: *x}\n", "alias-not-allowed", "anchors and aliases are not supported here", 1),
    ("a tag", "a: !vault x\n", "tag-not-allowed", "the tag !vault is not supported here", 1),
    ("a tag on a list", "a:\n  !mine [1]\n", "tag-not-allowed", "the tag !mine is not supported here", 2),
    (
        "a Python tag",
        "a: !!python/object/apply:os.system [id]\n",
        "tag-not-allowed",
        "the tag tag:yaml.org,2002:python/object/apply:os.system is not supported here",
        1,
    ),
    ("a list as key", "[a]: b\n", "bad-key", "a key must be plain text", 1),
    ("braces without quotes", "a: 1\nb: {{ c }}\n", "bad-key", "a key must be plain text", 2),
    ("two documents", "a: 1\n---\nb: 1\n", "several-documents", "the file has several documents", 2),
    ("an escaped bell", 'a: 1\nb: "\\a"\n', "control-character", "the text contains a control character", 2),
    ("a terminal escape", "a: 1\nb: \x1b[31m\n", "control-character", "the file contains a control character", 2),
    ("a C1 control", "a: \x9b31m\n", "control-character", "the file contains a control character", 1),
    ("a byte order mark inside", "a: 1\n\ufeffb: 1\n", "control-character", "the file contains a control character", 2),
    ("half a character", "a: 1\nb: \udce9\n", "control-character", "the file contains a control character", 2),
    ("an open bracket", "a: [1\n", "bad-yaml", "this is not YAML: did not find expected ',' or ']'", 2),
    (
        "a colon too many",
        "a: b: c\n",
        "bad-yaml",
        "this is not YAML: mapping values are not allowed in this context",
        1,
    ),
    ("too deep", "a: " + "[" * 33 + "]" * 33, "too-deep", "the file is nested deeper than 32 levels", 1),
    ("too deep, by lines", "".join(f"{' ' * n}a:\n" for n in range(40)), "too-deep", "", 34),
]


@pytest.mark.parametrize(("text", "code", "message", "line"), [pytest.param(*row[1:], id=row[0]) for row in FAULTS])
def test_fault(text: str, code: str, message: str, line: int) -> None:
    with pytest.raises(YamlFault) as caught:
        yamlfile.parse(text)
    fault = caught.value
    assert (fault.code, fault.line) == (code, line)
    assert fault.message == (message or fault.message)
    assert fault.hint


@pytest.mark.parametrize(
    "text", ["a: canary: x", "a: [canary", 'a: "canary', "a: canary\n\tb: 1", "a: @canary", "a: *canary", "b: %canary"]
)
def test_fault_never_repeats_a_value(text: str) -> None:
    with pytest.raises(YamlFault) as caught:
        yamlfile.parse(text)
    assert "canary" not in caught.value.message + caught.value.hint


ABYSSES = {
    "brackets": "[" * 100_000,
    "closed brackets": "a: " + "[" * 50_000 + "]" * 50_000,
    "braces": "{a: " * 50_000,
    "items": "- " * 100_000,
    "keys": "? " * 100_000,
    "tabs": "-\t" * 100_000,
    "items on lines": "\n".join(" " * depth + "-" for depth in range(700)),
    "keys on lines": "\n".join(" " * depth + "?" for depth in range(700)),
    "mixed": "- [{? " * 20_000,
}


def test_bottomless_nesting_does_not_end_the_interpreter() -> None:
    """In a process of its own: an overflow of the C stack would take the test run with it."""
    program = (
        "import sys; from runner import yamlfile\n"
        "for text in sys.stdin.read().split('\\0'):\n"
        "    try: yamlfile.parse(text)\n"
        "    except yamlfile.YamlFault as fault: print(fault.code)\n"
    )
    command = [sys.executable, "-c", program]
    root = Path(__file__).parent.parent
    told = subprocess.run(
        command, input="\0".join(ABYSSES.values()), cwd=root, capture_output=True, text=True, check=True
    )
    assert len(told.stdout.splitlines()) == len(ABYSSES)


# --- Files -----------------------------------------------------------------------------------------------------------


def fault_of(path: Path, raw: bytes) -> tuple[str, str, int]:
    path.write_bytes(raw)
    with pytest.raises(YamlFault) as caught:
        yamlfile.read(path)
    return caught.value.code, caught.value.message, caught.value.line


def test_read_takes_utf8_with_and_without_mark(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    for raw in ("a: é\n".encode(), "a: é\n".encode("utf-8-sig")):
        path.write_bytes(raw)
        assert yamlfile.read(path) == "a: é\n"


def test_read_says_on_which_line_it_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    assert fault_of(path, b"a: 1\nb: caf\xe9\n") == ("not-utf8", "the file is not UTF-8 text", 2)
    assert fault_of(path, "a: 1\n".encode("utf-16")) == ("not-utf8", "the file is not UTF-8 text", 1)


def test_read_refuses_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    for size in (MAX_BYTES + 1, 10 * 1024 * 1024):
        assert fault_of(path, b"#" * size) == ("file-too-large", "the file is larger than 256 KiB", 0)
    path.write_bytes(b"#" * MAX_BYTES)
    assert len(yamlfile.read(path)) == MAX_BYTES


# --- Lines -----------------------------------------------------------------------------------------------------------

PLACES = """\
# a comment
template: jupyter
ports: {web: 1,
  api: 2}
provider:
  - local
  - other
"""


def test_lines_of_fields_and_items() -> None:
    assert yamlfile.lines(PLACES) == {
        ("template",): 2,
        ("ports",): 3,
        ("ports", "web"): 3,
        ("ports", "api"): 4,
        ("provider",): 5,
        ("provider", 0): 6,
        ("provider", 1): 7,
    }


@pytest.mark.parametrize(
    ("path", "line"),
    [(("ports", "api"), 4), (("ports", "none", "deeper"), 3), (("provider", 1), 7), (("none",), 1), ((), 1)],
)
def test_line_of_the_nearest_place_that_is_written(path: Any, line: int) -> None:
    assert yamlfile.line_of(yamlfile.lines(PLACES), path) == line


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\u2028"])
def test_span_of_a_top_level_value(newline: str) -> None:
    text = newline.join(["# é 😀", "a: 'é'", "state:   running  # why", "b: {state: inner}", ""])
    start, end = yamlfile.scalar_span(text, "state") or (0, 0)
    assert text[start:end] == "running"
    assert yamlfile.scalar_span(text, "b") is None
    assert yamlfile.scalar_span(text, "none") is None
