"""Reading JSON with comments: values, positions, and all errors of a malformed text."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.config.document import MAXIMUM_BYTES, MAXIMUM_PROBLEMS, Document
from chargectl.config.parser import MAXIMUM_DEPTH
from chargectl.config.problem import Severity
from chargectl.config.tree import Scalar, plain

COMMENTED = """\
// head
{ /* block
     over lines */
  "a": 1, // "a": 2
  "b": { "c": [true, null, -1.5e3, "// no comment", "/* nor */"] }, // tail
  /**/ "d": "\\u00e9\\n\\"" //
}
// end"""


def values(text: str) -> object:
    document = Document(text)
    assert document.problems == []
    assert document.root is not None
    return plain(document.root)


@pytest.mark.spec(1)
def test_comments_are_no_content() -> None:
    assert values(COMMENTED) == {
        "a": 1,
        "b": {"c": [True, None, -1500.0, "// no comment", "/* nor */"]},
        "d": 'é\n"',
    }


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_and_byte_order_mark(newline: str) -> None:
    text = "\ufeff" + COMMENTED.replace("\n", newline)
    document = Document(text)
    assert document.problems == []
    node = document.find("d")
    assert node is not None
    assert document.position(node.start) == (6, 13)


def test_byte_order_mark_takes_no_column() -> None:
    assert Document('\ufeff{"a": x}').problems[0].column == 7


def test_every_value_knows_its_place() -> None:
    document = Document(COMMENTED, "f.json")
    node = document.find("b/c[2]")
    assert isinstance(node, Scalar)
    assert document.text[node.start : node.end] == "-1.5e3"
    assert document.position(node.start) == (5, 28)
    assert document.find("b/c[9]") is None
    assert document.find("a/c") is None
    assert document.find("b[0]") is None


MALFORMED = [
    # text, [(line, column, part of the message), ...]
    ("", [(1, 1, "there is no configuration")]),
    ("  // only a comment\n", [(1, 1, "there is no configuration")]),
    ("[1]", [(1, 1, "must hold one object")]),
    ("3", [(1, 1, "must hold one object")]),
    ('{"a":1 "b":2}', [(1, 7, "',' is missing")]),
    ('{\n  "a": 1 // c\n  "b": 2\n}', [(2, 9, "',' is missing")]),
    ('{"a" 1}', [(1, 5, "':' and a value are missing")]),
    ('{"a"}', [(1, 5, "':' and a value are missing")]),
    ('{"a","b":1}', [(1, 5, "':' and a value are missing")]),
    ('{"a":}', [(1, 6, "a value is missing behind the key")]),
    ('{"a":,"b":1}', [(1, 6, "a value is missing behind the key")]),
    ('{"a":1', [(1, 1, "'{' is never closed")]),
    ('{"a":[1', [(1, 6, "'[' is never closed"), (1, 1, "'{' is never closed")]),
    ('{"a":[1}', [(1, 8, "']' is missing before '}'; '[' is at line 1, column 6")]),
    ('{"a":{"b":1]}', [(1, 12, "'}' is missing before ']'")]),
    ('{"a":1}}', [(1, 8, "'}' stands behind the end")]),
    ('{"a":1} x', [(1, 9, "'x' stands behind the end")]),
    ('{"a":1,,"b":2}', [(1, 8, "a key in double quotes is missing before ','")]),
    ('{,"b":2}', [(1, 2, "a key in double quotes is missing before ','")]),
    ('{:1,"b":2}', [(1, 2, "a key in double quotes is missing before ':'")]),
    ('{{"a":1},"b":2}', [(1, 2, "a key in double quotes is missing before '{'")]),
    ("{a:1}", [(1, 2, 'a key stands in double quotes: "a"')]),
    ("{'a b':1}", [(1, 2, 'a key stands in double quotes: "a b"')]),
    ("{\"a\":'x y'}", [(1, 6, "strings stand in double quotes")]),
    ('{"a":True}', [(1, 6, "write true")]),
    ('{"a":NULL}', [(1, 6, "write null")]),
    ('{"a":yes,"b":off}', [(1, 6, "write true"), (1, 14, "write false")]),
    ('{"a":01}', [(1, 6, "'01' is no JSON value")]),
    ('{"a":+1}', [(1, 6, "'+1' is no JSON value")]),
    ('{"a":.5}', [(1, 6, "'.5' is no JSON value")]),
    ('{"a":5.}', [(1, 6, "'5.' is no JSON value")]),
    ('{"a":0x1F}', [(1, 6, "'0x1F' is no JSON value")]),
    ('{"a":NaN}', [(1, 6, "'NaN' is no JSON value")]),
    ('{"a":1e999}', [(1, 6, "the number is too large")]),
    ('{"a":123456789012345678901}', [(1, 6, "the number is too large")]),
    ('{"a":"x', [(1, 6, "the string is not closed"), (1, 1, "'{' is never closed")]),
    ('{"a":"x,\n "b":1}', [(1, 6, "the string is not closed")]),
    ('{"a:1,\n "b":1}', [(1, 2, "the string is not closed")]),
    ('{"a":"\\x"}', [(1, 7, "invalid escape")]),
    ('{"a":"\\u12"}', [(1, 8, "invalid escape")]),
    ('{"a":"b\tc"}', [(1, 8, "must be written as \\u0009")]),
    ('{"a":"\\ud800"}', [(1, 6, "surrogate pair")]),
    ("/* x", [(1, 1, "the comment is never closed"), (1, 1, "there is no configuration")]),
    ('{"a":1 /* x }', [(1, 8, "the comment is never closed"), (1, 1, "'{' is never closed")]),
    ('# c\n{"a":1}', [(1, 1, "'#' begins no comment here")]),
    ('{"a":\xa01}', [(1, 6, "unexpected U+00A0")]),
    ('{"a":1;}', [(1, 7, "unexpected ';'")]),
    ('{"a":1 / }', [(1, 8, "unexpected '/'")]),
    ('{"a":1,\n "a":2,\n "a":3}', [(2, 2, "line 1, column 2"), (3, 2, "line 2, column 2")]),
    ("\0\0\0\0", [(1, 1, "unexpected U+0000"), (1, 1, "there is no configuration")]),
    (
        '{\n "a": Tru,\n "b" 2,\n "c": [1 2],\n "d": "x\n}',
        [
            (2, 7, "'Tru'"),
            (3, 5, "':' and a value"),
            (4, 9, "',' is missing"),
            (5, 7, "not closed"),
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), MALFORMED, ids=[repr(text)[:30] for text, _ in MALFORMED])
def test_malformed_text(text: str, expected: list[tuple[int, int, str]]) -> None:
    document = Document(text, "f.json")
    found = [problem for problem in document.problems if problem.severity is Severity.ERROR]
    assert [(problem.line, problem.column) for problem in found] == [
        (line, column) for line, column, _ in expected
    ]
    for problem, (_, _, part) in zip(found, expected, strict=True):
        assert part in problem.message


def test_a_key_given_twice_is_an_error_but_breaks_nothing() -> None:
    document = Document('{"a": 1, "b": 0, "a": 2}')
    assert not document.broken
    assert [problem.severity for problem in document.problems] == [Severity.ERROR]
    assert document.root is not None
    assert plain(document.root) == {"b": 0, "a": 2}


@pytest.mark.parametrize("text", ['{"a": 1,}', '{"a": [1, 2,],}', '{"a": 1, // c\n}'])
def test_trailing_comma_warns(text: str) -> None:
    document = Document(text)
    assert not document.broken
    assert {problem.severity for problem in document.problems} == {Severity.WARNING}
    assert document.find("a") is not None


def test_problem_text() -> None:
    assert str(Document('{"a":}', "f.json").problems[0]) == (
        "f.json:1:6: error: a value is missing behind the key before '}'"
    )


def test_nesting_is_bounded() -> None:
    fits = '{"a":' * MAXIMUM_DEPTH + "1" + "}" * MAXIMUM_DEPTH
    assert Document(fits).problems == []
    deep = Document('{"a":' + "[" * 100_000 + "]" * 100_000 + ', "b": x}')
    assert [problem.message.partition(";")[0] for problem in deep.problems] == [
        f"objects and arrays are nested more than {MAXIMUM_DEPTH} deep",
        "'x' is no JSON value",
    ]


def test_so_many_errors_are_not_all_told() -> None:
    document = Document("x " * 10 + "{" + "1 " * 100_000)
    assert len(document.problems) <= MAXIMUM_PROBLEMS + 1
    assert document.broken


def test_a_huge_file_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "customer.json"
    path.write_bytes(b'{"a": "' + b"x" * 10_000_000 + b'"}')
    begin = time.perf_counter()
    document = Document.read(path, "customer.json")
    assert time.perf_counter() - begin < 1
    assert document.broken
    assert document.root is None
    assert str(document.problems[0]) == (
        f"customer.json:1:1: error: the file is larger than {MAXIMUM_BYTES // 1024} KiB"
    )


def test_what_is_not_utf_8_is_told_with_its_place() -> None:
    document = Document.from_bytes(b'{\n  "a": "\xe9"\n}', "f.json")
    assert document.broken
    assert [str(problem) for problem in document.problems] == [
        "f.json:2:9: error: byte 0xE9 is not valid UTF-8"
    ]


@pytest.mark.parametrize("name", ["missing", "."])
def test_what_cannot_be_read_raises(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match=r"No such file|Is a directory"):
        Document.read(tmp_path / name)


@given(st.binary(max_size=300))
def test_garbage_is_reported_and_never_raises(data: bytes) -> None:
    document = Document.from_bytes(data, "f.json")
    assert document.broken == (
        any(problem.severity is Severity.ERROR and "stands here again" not in problem.message
            for problem in document.problems)
    )  # fmt: skip
    try:
        expected = json.loads(data)
    except (ValueError, RecursionError):
        return
    assert document.broken or document.root is not None
    if isinstance(expected, dict) and not document.broken:
        assert document.root is not None
        assert plain(document.root) == expected


@given(st.text(alphabet="{}[]:,\"\\/* \n\t#01-.eEtrufalsn'x", max_size=60))
def test_no_text_is_read_that_json_refuses_without_comments(text: str) -> None:
    document = Document(text)
    for problem in document.problems:
        assert problem.line >= 1
        assert problem.column >= 1
    if document.problems or "//" in text or "/*" in text:
        return
    assert document.root is not None
    assert plain(document.root) == json.loads(text)


@given(st.data())
def test_a_truncated_file_is_always_noticed(data: st.DataObject) -> None:
    text = COMMENTED.rpartition("}")[0] + "}"
    end = data.draw(st.integers(0, len(text) - 1))
    assert Document(text[:end]).broken
