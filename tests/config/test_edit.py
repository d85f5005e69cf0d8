"""Edits change one value and nothing else."""

from __future__ import annotations

import json
import math
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.config.document import Document
from chargectl.config.edit import EditError, remove_value, set_value
from chargectl.config.paths import format_path
from chargectl.config.tree import Array, Node, Object, plain

SAMPLE = """\
{
  // the port
  "ports": [
    {
      "meter": { "enable": false }, // one line
      "limit": 6 // A
      // "later": 1
    }
  ],
  /* io */ "io": {}
}
"""
SECOND_PORT = """\
    },
    {
      "a": {
        "b": [
          {
            "c": null
          }
        ]
      }
    }
  ],"""


def edited(text: str, path: str, value: Any) -> str:
    return set_value(Document(text, "f.json"), path, value).text


@pytest.mark.spec(1)
@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        ("ports[0]/limit", 16, '"limit": 6 // A', '"limit": 16 // A'),
        ("ports[0]/meter/enable", True, "false", "true"),
        ("ports[0]/later", "ü", '"limit": 6 // A\n', '"limit": 6, // A\n      "later": "ü"\n'),
        ("ports[0]/meter/port", "x", "false }", 'false, "port": "x" }'),
        ("io/threshold", 6000, '"io": {}', '"io": {\n    "threshold": 6000\n  }'),
        ("net/dns", ["a", "b"], '"io": {}', '"io": {},\n  "net": {\n    "dns": ["a", "b"]\n  }'),
        (
            "ports[1]/a/b[0]/c",
            None,
            "    }\n  ],",
            SECOND_PORT,
        ),
    ],
)
def test_the_rest_of_the_file_stays(path: str, value: Any, old: str, new: str) -> None:
    assert SAMPLE.count(old) == 1
    assert edited(SAMPLE, path, value) == SAMPLE.replace(old, new)


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("{}", "a", '{\n  "a": 1\n}'),
        ("{ }", "a/b", '{\n  "a": {\n    "b": 1\n  }\n }'),
        ('{"x":0}', "a/b", '{"x":0, "a": {"b": 1}}'),
        ('{"x":0,}', "a", '{"x":0, "a": 1}'),
        ('{\n\t"x": 0\n}', "a/b", '{\n\t"x": 0,\n\t"a": {\n\t\t"b": 1\n\t}\n}'),
        ('{\r\n "x": 0\r\n}', "a", '{\r\n "x": 0,\r\n "a": 1\r\n}'),
        ('{\n  "x": 0, // last\n}', "a", '{\n  "x": 0, // last\n  "a": 1\n}'),
        ('{\n  "x": 0 /* y\n */ // z\n}', "a", '{\n  "x": 0, /* y\n */ // z\n  "a": 1\n}'),
        ("{ // none yet\n}", "a", '{ // none yet\n  "a": 1\n}'),
        ("{ /* none yet */ }", "a", '{ /* none yet */\n  "a": 1\n }'),
        ('{\n  // "a": 2\n}', "a", '{\n  // "a": 2\n  "a": 1\n}'),
        ('\ufeff{"a": 2}', "a", '\ufeff{"a": 1}'),
        ('{"a": {"old": [1, /* gone */ 2]}}', "a", '{"a": 1}'),
        ('{"a": [5, 6]}', "a[1]", '{"a": [5, 1]}'),
        ('{"a": []}', "a[0]", '{"a": [\n  1\n]}'),
    ],
)
def test_layouts(text: str, path: str, expected: str) -> None:
    assert edited(text, path, 1) == expected


def test_setting_what_stands_there_changes_nothing() -> None:
    text = '{"a": [1,   2 /* two */], "b": 1.0}'
    assert edited(text, "a", [1, 2]) == text
    assert edited(text, "b", 1.0) == text
    assert edited('{"a": 1}', "a", True) == '{"a": true}'
    assert edited('{"a": [1]}', "a", [True]) == '{"a": [true]}'


@pytest.mark.parametrize(
    ("text", "path", "part"),
    [
        ('{"a": 1}', "a/b", "a is not an object"),
        ('{"a": {}}', "a[0]", "a is not an array"),
        ('{"a": null}', "a/b/c", "a is not an object"),
        ('{"a": [1]}', "a[2]", "a has 1 elements; the next is [1]"),
        ("{}", "a[1]/b", "a[1]/b needs the elements before it"),
        ("{}", "a[]/b", "write a number between [ and ]"),
        ('{"a": 1, "b" 2}', "a", "syntax errors; they must be mended first: f.json:1:13"),
        ("", "a", "syntax errors"),
    ],
)
def test_refused_edits(text: str, path: str, part: str) -> None:
    with pytest.raises(EditError) as caught:
        edited(text, path, 1)
    assert part in str(caught.value)


def test_infinite_numbers_and_half_surrogates_are_refused() -> None:
    for value in (math.inf, math.nan, "\ud800"):
        with pytest.raises(EditError):
            edited("{}", "a", value)


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ('{"a":1,"b":2}', "a", '{"b":2}'),
        ('{"a":1,"b":2}', "b", '{"a":1}'),
        ('{"a":1}', "a", "{}"),
        ('{\n  "a": 1,\n  "b": 2\n}', "a", '{\n  "b": 2\n}'),
        ('{\n  "a": 1,\n  "b": 2\n}', "b", '{\n  "a": 1\n}'),
        ('{\r\n  "a": 1,\r\n  "b": 2\r\n}', "b", '{\r\n  "a": 1\r\n}'),
        ('{\n  "a": 1, // first\n  "b": 2 // second\n}', "b", '{\n  "a": 1 // first\n   // second\n}'),
        ('{\n  "a": 1, // first\n  "b": 2\n}', "a", '{\n   // first\n  "b": 2\n}'),
        ('{"a": {"b": 1}}', "a/c", '{"a": {"b": 1}}'),
        ('{"a": 1,}', "a", "{}"),
    ],
)
def test_remove(text: str, path: str, expected: str) -> None:
    assert remove_value(Document(text), path).text == expected


def test_elements_are_not_removed() -> None:
    with pytest.raises(EditError, match="element of an array"):
        remove_value(Document('{"a": [1]}'), "a[0]")


def test_a_key_given_twice_cannot_be_removed() -> None:
    with pytest.raises(EditError, match="by hand"):
        remove_value(Document('{"a": 1, "a": 2}'), "a")


# Random documents with random layout and comments in every place where they may stand.

_NAMES = st.text(string.ascii_letters + "_äß-", min_size=1, max_size=4)
_SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=6) | st.floats(
    allow_nan=False, allow_infinity=False, width=16
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=8,
)
_DOCUMENTS = st.dictionaries(_NAMES, _VALUES, max_size=4)
_GAPS = st.sampled_from(
    [
        "",
        "",
        " ",
        "\n",
        "\n  ",
        "\t",
        "\r\n    ",
        " // c {\n",
        ' /* "x": 1, */ ',
        "\n// ]\n  ",
        "/**/",
        " /* a\n b */\n",
    ]
)


@st.composite
def laid_out(draw: st.DrawFn, value: Any) -> str:
    """``value`` as JSON with comments and white space between all tokens."""

    def gap() -> str:
        return draw(_GAPS)

    def write(item: Any) -> str:
        if isinstance(item, dict):
            parts = [
                f"{gap()}{json.dumps(key, ensure_ascii=False)}{gap()}:{gap()}{write(inner)}{gap()}"
                for key, inner in item.items()
            ]
            return "{" + (",".join(parts) or gap()) + "}"
        if isinstance(item, list):
            return "[" + (",".join(f"{gap()}{write(inner)}{gap()}" for inner in item) or gap()) + "]"
        return json.dumps(item, ensure_ascii=draw(st.booleans()))

    return gap() + write(value) + gap()


def paths_of(node: Node, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    if isinstance(node, Object):
        for name, member in node.members.items():
            found += paths_of(member.value, (*path, name))
    elif isinstance(node, Array):
        for index, item in enumerate(node.items):
            found += paths_of(item, (*path, index))
    return found


def comments_of(text: str) -> list[str]:
    return [
        mark
        for mark in ("// c {", '/* "x": 1, */', "// ]", "/**/", "/* a\n b */")
        for _ in range(text.count(mark))
    ]


@pytest.mark.spec(1)
@given(st.data())
def test_a_replaced_value_is_all_that_differs(data: st.DataObject) -> None:
    content = data.draw(_DOCUMENTS.filter(bool))
    text = data.draw(laid_out(content))
    document = Document(text)
    assert document.problems == []
    assert document.root is not None
    assert plain(document.root) == content
    path = data.draw(st.sampled_from(paths_of(document.root)))
    value = data.draw(_VALUES)
    node = document.find(path)
    assert node is not None
    result = set_value(document, format_path(path), value).text
    assert result.startswith(text[: node.start])
    assert result.endswith(text[node.end :])
    after = Document(result)
    found = after.find(path)
    assert found is not None
    assert plain(found) == value


@pytest.mark.spec(1)
@given(st.data())
def test_an_added_key_keeps_all_there_was(data: st.DataObject) -> None:
    content = data.draw(_DOCUMENTS)
    text = data.draw(laid_out(content))
    document = Document(text)
    assert document.root is not None
    objects = [()] + [p for p in paths_of(document.root) if isinstance(document.find(p), Object)]
    path = (*data.draw(st.sampled_from(objects)), "new key", data.draw(_NAMES))
    value = data.draw(_VALUES)
    result = set_value(document, format_path(path), value).text
    after = Document(result)
    assert after.problems == []
    found = after.find(path)
    assert found is not None
    assert plain(found) == value
    # Taking the added characters away leaves the original: nothing was removed or moved.
    position = 0
    for char in text:
        position = result.find(char, position) + 1
        assert position > 0
    assert comments_of(result) == comments_of(text)
    removed = remove_value(after, format_path(path[:-1]))
    assert removed.root is not None
    assert plain(removed.root) == content
    assert comments_of(removed.text) == comments_of(text)
