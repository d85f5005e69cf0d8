"""The conformance table says what the tests say, and nothing can be put into it by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conformance_plugin import STATE
from tests.conformance_table import as_json, as_markdown, from_json, read_rows, results

HEAD = "row\tgroup\ttitle\tbehaviour\tnumbers\tsection\n"
INVENTORY = (
    HEAD
    + "1\tABC\tthe first\tcloses\t`a|b`\t1.2\n"
    + "2\tABC\tthe first\topens * twice\t\t\n"
    + "3\tXYZ\tthe last\trests\t\tT4\n"
)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of its own with three rows, using this project's plugin."""
    root = pytester.path
    (root / "tests" / "data").mkdir(parents=True)
    (root / "docs").mkdir()
    (root / "tests" / "data" / "inventory.tsv").write_text(INVENTORY, encoding="utf-8")
    pytester.makeini("[pytest]\ntestpaths = tests\naddopts = --strict-markers -p tests.conformance_plugin\n")
    return pytester


def write_tests(project: pytest.Pytester, text: str) -> None:
    (project.path / "tests" / "test_sample.py").write_text(f"import pytest\n{text}", encoding="utf-8")


def table(project: pytest.Pytester) -> dict[int, tuple[list[str], bool]]:
    items = json.loads((project.path / "docs" / "conformance.json").read_text(encoding="utf-8"))
    return {item["row"]: (item["tests"], item["passed"]) for item in items}


TWO_ROWS = """
@pytest.mark.spec(1)
@pytest.mark.parametrize("value", [1, 2])
def test_one(value):
    assert value < 3

@pytest.mark.spec(1, 2)
def test_two():
    assert {two}
"""
ONE, TWO = "tests/test_sample.py::test_one", "tests/test_sample.py::test_two"


def test_a_row_passes_only_with_all_its_tests(project: pytest.Pytester) -> None:
    write_tests(project, TWO_ROWS.format(two=True))
    assert project.runpytest_inprocess("--conformance=write").ret == 0
    assert table(project) == {1: ([ONE, TWO], True), 2: ([TWO], True), 3: ([], False)}
    write_tests(project, TWO_ROWS.format(two=False))
    assert project.runpytest_inprocess("--conformance=write").ret == 1
    assert table(project) == {1: ([ONE, TWO], False), 2: ([TWO], False), 3: ([], False)}


@pytest.mark.parametrize(
    "text",
    [
        "@pytest.mark.spec(1)\n@pytest.mark.skip\ndef test_a(): pass",
        "@pytest.mark.spec(1)\n@pytest.mark.xfail\ndef test_a(): assert False",
        "@pytest.mark.spec(1)\n@pytest.mark.xfail(strict=False)\ndef test_a(): pass",
        "@pytest.fixture\ndef late():\n    yield\n    assert 0\n@pytest.mark.spec(1)\ndef test_a(late): pass",
        "@pytest.mark.spec(1)\n@pytest.mark.parametrize('v', [1, 2])\ndef test_a(v): assert v == 1",
    ],
    ids=["skipped", "expected failure", "unexpected pass", "failing clean-up", "one failing parameter"],
)
def test_what_did_not_run_through_proves_nothing(project: pytest.Pytester, text: str) -> None:
    write_tests(project, text)
    project.runpytest_inprocess("--conformance=write")
    assert table(project)[1] == (["tests/test_sample.py::test_a"], False)


@pytest.mark.parametrize("marker", ["spec(4)", "spec(0)", "spec()", "spec", "spec(1, 99)", "spec('1')"])
def test_an_unknown_row_is_a_collection_error(project: pytest.Pytester, marker: str) -> None:
    write_tests(project, f"@pytest.mark.{marker}\ndef test_it(): pass")
    run = project.runpytest_inprocess()
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines(["*tests/test_sample.py::test_it: spec(*rows are 1..3*"])


@pytest.mark.parametrize("selection", [["-k", "one"], ["tests/test_sample.py"], [f"{ONE}[1]"]])
def test_a_partial_run_writes_nothing(project: pytest.Pytester, selection: list[str]) -> None:
    write_tests(project, TWO_ROWS.format(two=True))
    assert project.runpytest_inprocess("--conformance=write", *selection).ret == pytest.ExitCode.USAGE_ERROR
    assert not list((project.path / "docs").iterdir())


def test_two_runs_write_the_same_bytes(project: pytest.Pytester) -> None:
    write_tests(project, TWO_ROWS.format(two=True))
    contents = []
    for _ in range(2):
        project.runpytest_inprocess("--conformance=write")
        contents.append([path.read_bytes() for path in sorted((project.path / "docs").iterdir())])
    assert contents[0] == contents[1]
    assert len(contents[0]) == 2


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('"tests": [], "passed": false', '"tests": [], "passed": true', "row 3: passed without a test"),
        ('"tests": []', '"tests": ["tests/test_sample.py::test_two"]', "row 3: *test_two does not carry it"),
        (f'"tests": ["{TWO}"]', '"tests": []', "row 2: *test_two is not in the table"),
        ('"closes"', '"closes well"', "*row 1 is missing or differs from the inventory"),
        ("[\n", '[\n{"row": 7},\n', "*rows [[]7[]] are not in the inventory"),
    ],
)
def test_a_table_changed_by_hand_is_found(
    project: pytest.Pytester, before: str, after: str, complaint: str
) -> None:
    write_tests(project, TWO_ROWS.format(two=True))
    project.runpytest_inprocess("--conformance=write")
    check = ("--collect-only", "--conformance=check")
    assert project.runpytest_inprocess(*check).ret == 0
    path = project.path / "docs" / "conformance.json"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    run = project.runpytest_inprocess(*check)
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines([f"*{complaint}"])


def test_a_changed_text_table_is_found(project: pytest.Pytester) -> None:
    write_tests(project, TWO_ROWS.format(two=False))
    project.runpytest_inprocess("--conformance=write")
    path = project.path / "docs" / "conformance.md"
    path.write_text(path.read_text(encoding="utf-8").replace("not passed", "passed"), encoding="utf-8")
    run = project.runpytest_inprocess("--collect-only", "--conformance=check")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines(["*docs/conformance.md does not show what*"])


def test_text_shows_open_rows_and_counts() -> None:
    rows = read_rows(INVENTORY)
    found = results(
        rows,
        {1: ["tests/a/test_b.py::test_c[x]"], 2: ["tests/a/test_b.py::test_d"]},
        {"tests/a/test_b.py::test_c[x]": True},
    )
    text = as_markdown(found)
    assert "| **All** | 3 | 1 | 1 | 1 |" in text
    assert r"| 1 | closes (`a\|b`) | 1.2 | passed | [test\_c](../tests/a/test_b.py) |" in text
    assert r"| 2 | opens \* twice |  | **not passed** | [test\_d](../tests/a/test_b.py) |" in text
    assert "| 3 | rests | T4 | open |  |" in text
    assert from_json(as_json(found), rows) == found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("row\tbehaviour\n", "line 1"),
        (HEAD + "1\ta\tb\tc\td\te\n3\ta\tb\tc\td\te\n", "line 3: expected row 2"),
        (HEAD + "1\ta\tb\n", "line 2: expected row 1 with 6 cells"),
    ],
)
def test_a_broken_inventory_names_the_line(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_rows(text)


def test_the_inventory_is_whole() -> None:
    rows = read_rows(Path(__file__).with_name("data").joinpath("inventory.tsv").read_text(encoding="utf-8"))
    assert [row.number for row in rows] == list(range(1, 373))
    assert len({row.group for row in rows}) == 24
    assert all(row.title and row.behaviour for row in rows)


def test_the_committed_table_fits_the_collected_tests(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.stash[STATE].differences() == []
