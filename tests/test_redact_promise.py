"""What docs/secrets.md promises of masking, as a table: every spelling of a secret, at every way out."""

from __future__ import annotations

import base64
import html
import io
import json
import shlex
import textwrap
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import runs
from runner.redact import MASK, PIECE, Redactor
from runner.render.output import Output
from runner.spellings import places, plain

SECRETS = {
    "token": "hf_XyZ0123456789abcdefGHIJ",
    "nasty": """p'a"s$s\\w/o <rd>+é&%41\t&amp;x""",
    "words": "correct horse battery staple",
    "numbers": "3141592653589793",
}
Spelling = Callable[[str], str]


def each(form: str) -> Spelling:
    """Every byte of it, written in a way."""
    return lambda secret: "".join(form.format(byte) for byte in secret.encode())


def wrapped(inner: Spelling, size: int, end: str = "\n") -> Spelling:
    return lambda secret: end.join(inner(secret)[at : at + size] for at in range(0, len(inner(secret)), size))


def base64_of(secret: str) -> str:
    return base64.b64encode(f"user:{secret}:end".encode()).decode()


SPELLINGS: dict[str, Spelling] = {
    "as it is": str,
    "capitals": str.upper,
    "small letters": str.lower,
    "capitals and small letters changed": str.swapcase,
    "JSON": json.dumps,
    "JSON, not ASCII": lambda secret: json.dumps(secret, ensure_ascii=False),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)),
    "JSON in JSON in JSON": lambda secret: json.dumps(json.dumps(json.dumps(secret))),
    "every character as \\u00XX": lambda secret: "".join(f"\\u{ord(one):04X}" for one in secret),
    "every byte as \\xXX": each("\\x{:02x}"),
    "every byte in octal": each("\\{:03o}"),
    "Python": repr,
    "Python's bytes": lambda secret: repr(secret.encode()),
    "shell": shlex.quote,
    "shell, other way": lambda secret: "'" + secret.replace("'", "'\\''") + "'",
    "shell, escaped one by one": lambda secret: "".join(one if one.isalnum() else f"\\{one}" for one in secret),
    "YAML": lambda secret: "'" + secret.replace("'", "''") + "'",
    "URL": lambda secret: quote(secret, safe=""),
    "URL path": quote,
    "URL query": quote_plus,
    "URL, small digits, every byte": each("%{:02x}"),
    "URL in URL": lambda secret: quote(quote(secret, safe=""), safe=""),
    "HTML": html.escape,
    "HTML, decimal": lambda secret: "".join(f"&#{ord(one)};" for one in secret),
    "HTML, hexadecimal": lambda secret: "".join(f"&#x{ord(one):X};" for one in secret),
    "hexadecimal": lambda secret: secret.encode().hex(),
    "hexadecimal capitals": lambda secret: secret.encode().hex().upper(),
    "hexadecimal with colons": lambda secret: secret.encode().hex(":"),
    "hexadecimal in groups": lambda secret: secret.encode().hex(" ", 2),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "base64 inside something longer": base64_of,
    "base64 in a URL": lambda secret: quote(base64_of(secret), safe=""),
    "broken by line ends": wrapped(str, 7),
    "broken and indented": wrapped(str, 9, "\n      "),
    "broken by a shell": wrapped(str, 8, "\\\n"),
    "base64 in lines": wrapped(base64_of, 16, "\r\n"),
    "hexadecimal in lines": wrapped(lambda secret: secret.encode().hex(), 20),
    "JSON, broken": wrapped(json.dumps, 10),
    "between colours": lambda secret: f"{secret[:5]}\x1b[1;31m{secret[5:]}\x1b[0m",
}


def gone(text: str, spelled: str, secret: str) -> bool:
    """Neither what was printed nor the secret is in it, in whatever spelling."""
    return MASK in text and spelled.strip("'\"") not in text and plain(secret) not in plain(text)


def output(kind: str) -> tuple[Output, io.StringIO, Redactor]:
    redactor = Redactor()
    made = Output(json=kind == "json", color=None, verbosity=0, redactor=redactor)
    stream = io.StringIO()
    made.stdout = made.stderr = stream
    return made, stream, redactor


def as_text(text: str, secret: str, folder: Path) -> str:
    redactor = Redactor()
    redactor.add(secret)
    return redactor.text(text)


def as_data(text: str, secret: str, folder: Path) -> str:
    redactor = Redactor()
    redactor.add(secret)
    return json.dumps(redactor.data({"message": [text], text: {"deep": text}}), ensure_ascii=False)


def as_lines(text: str, secret: str, folder: Path) -> str:
    redactor = Redactor()
    redactor.add(secret)
    lines = redactor.stream()
    return "\n".join(lines.text(line) for line in text.split("\n"))


def as_listed_lines(text: str, secret: str, folder: Path) -> str:
    redactor = Redactor()
    redactor.add(secret)
    return "\n".join(redactor.data({"lines": text.split("\n")})["lines"])


def as_events(text: str, secret: str, folder: Path) -> str:
    redactor = Redactor()
    redactor.add(secret)
    run = runs.Run("now", folder, redactor)
    for line in text.split("\n"):
        run.event({"deployment": "web", "kind": "log", "message": line})
    run.event({"deployment": "web", "kind": "step", "message": text})
    run.close()
    return "\n".join(json.loads(line)["message"] for line in (folder / "events.jsonl").read_text().splitlines())


def as_words_of_a_command(text: str, secret: str, folder: Path) -> str:
    made, stream, redactor = output("text")
    redactor.add(secret)
    made.line({"line": text}, text)
    made.warn(text)
    return stream.getvalue()


def as_answer_in_json(text: str, secret: str, folder: Path) -> str:
    made, stream, redactor = output("json")
    redactor.add(secret)
    made.result({"text": text}, str)
    answer: str = json.loads(stream.getvalue())["text"]
    return answer


WAYS_OUT = [
    as_text,
    as_data,
    as_lines,
    as_listed_lines,
    as_events,
    as_words_of_a_command,
    as_answer_in_json,
]


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_at_every_way_out(spelling: str, way: Callable[[str, str, Path], str], tmp_path: Path) -> None:
    for number, secret in enumerate(SECRETS.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        spelled = SPELLINGS[spelling](secret)
        said = way(f"before {spelled} after", secret, folder)
        assert gone(said, spelled, secret), f"{secret!r} as {spelled!r}: {said!r}"
        assert "before" in said
        assert "after" in said


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_in_two_or_more_pieces_hardly_anything_is_shown(secret: str) -> None:
    """As `logs -f` gets it when a service writes one part, and the rest later."""
    redactor = Redactor()
    redactor.add(secret)
    for cut in range(1, len(secret)):
        for more in (len(secret), cut + 3):
            pieces = [piece for piece in (secret[:cut], secret[cut:more], secret[more:]) if piece]
            lines = redactor.stream()
            said = [lines.text(text) for text in (f"it is {pieces[0]}", *pieces[1:-1], f"{pieces[-1]} indeed")]
            shown = plain("".join(said).replace(MASK, "").removeprefix("it is ").removesuffix(" indeed"))
            assert len(shown) < PIECE, (pieces, said)
            assert plain(secret).startswith(shown)


def test_line_ends_stay(tmp_path: Path) -> None:
    secret = SECRETS["token"]
    text = f"one\n{secret[:10]}\n  {secret[10:]} two\nthree"
    assert as_text(text, secret, tmp_path) == f"one\n{MASK}\n  {MASK} two\nthree"


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("abc", "abc", "abc"),  # hardly a secret
        ("1234", "pin 1234, port 12 34", f"pin {MASK}, port 12 34"),
        ("s3crEt", "S3CRET s3crEt", f"S3CRET {MASK}"),
        ("it's", "it''s and it'\\''s", f"{MASK} and {MASK}"),
    ],
)
def test_short_values_are_masked_only_as_they_are_escaped_or_encoded(secret: str, text: str, shown: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    assert redactor.text(text) == shown


@given(
    st.lists(st.text() | st.sampled_from(["%41", "%c3%a9", "\\x41", "\\u00e9", "\\\\", "&amp;", "\\n", "\x1b[1m", "%"]))
)
def test_places_tell_where_each_character_of_the_plain_text_stood(parts: list[str]) -> None:
    text = "".join(parts)
    found = places(text)
    assert "".join(place.character for place in found) == plain(text)
    assert all(0 <= place.start < place.end <= len(text) for place in found)
    assert [place.start for place in found] == sorted(place.start for place in found)


@given(st.lists(st.text() | st.sampled_from(["%41", "\\x41", "\\\\", "&amp;", "\n", "\r\n", "\\n"])))
def test_lines_can_be_made_plain_one_by_one(parts: list[str]) -> None:
    text = "".join(parts)
    assert "".join(map(plain, text.splitlines(keepends=True))) == plain(text)


def test_finding_takes_no_longer_for_many_secrets() -> None:
    """Counted in what is looked up, not in time: one look for each character, however many secrets there are."""
    redactor = Redactor()
    for number in range(2000):
        redactor.add(f"{number:04d}-secret-value-{number}")
    exact, forms = redactor.forms
    text = "nothing is here " * 2000
    assert redactor.text(text) is text
    assert max(map(len, exact._by_gram.values())) <= 2000 * 3
    hidden = redactor.text(text + "1999-SECRET-value-1999")
    assert hidden.endswith(f"here {MASK}")
    assert forms.longest < 200


def test_a_long_text_of_many_lines_is_wrapped_and_still_found() -> None:
    secret = "\n".join(textwrap.wrap(base64.b64encode(bytes(range(200))).decode(), 64))
    redactor = Redactor()
    redactor.add(f"-----BEGIN KEY-----\n{secret}\n-----END KEY-----")
    again = "\n".join(textwrap.wrap(secret.replace("\n", ""), 50))
    masked = redactor.text(f"a\n{again}\nb")
    assert not any(line in masked for line in again.splitlines()[:-1])
