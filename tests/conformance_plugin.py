"""The marker ``spec`` and the option ``--conformance``: from tests to docs/conformance.{json,md}.

``@pytest.mark.spec(36, 41)`` says that the test fails when the behaviour of row 36 or of row 41 is broken.
A number that is not in tests/data/inventory.tsv is an error.

``--conformance=write`` writes the table; it needs a run of all tests. The table is first written with no row
passed, then with what became of the tests: an interrupted run leaves no row passed that it did not prove.
``--conformance=check`` (with ``--collect-only``) fails where the table does not fit the tests.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conformance_table import (
    Result,
    Row,
    as_json,
    as_markdown,
    from_json,
    function_of,
    read_rows,
    results,
)

ROWS = Path("tests", "data", "inventory.tsv")
JSON = Path("docs", "conformance.json")
MARKDOWN = Path("docs", "conformance.md")


@dataclass
class Conformance:
    """What this run knows about the rows."""

    root: Path
    mode: str
    rows: tuple[Row, ...]
    marked: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Row number to the node ids of the collected tests that carry it."""
    proved: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    complete: bool = False
    """All tests were collected."""

    def note(self, report: pytest.TestReport) -> None:
        """Take in one phase of a test: only a call that passed proves, no skip and no expected failure."""
        if report.skipped or report.failed or hasattr(report, "wasxfail"):
            self.failed.add(report.nodeid)
        elif report.when == "call":
            self.proved.add(report.nodeid)

    def results(self) -> tuple[Result, ...]:
        return results(self.rows, self.marked, dict.fromkeys(self.proved - self.failed, True))

    def write(self) -> None:
        found = self.results()
        (self.root / JSON).write_text(as_json(found), encoding="utf-8")
        (self.root / MARKDOWN).write_text(as_markdown(found), encoding="utf-8")

    def differences(self) -> list[str]:
        """Where docs/conformance.* does not fit the collected tests; empty when it does."""
        try:
            found = from_json((self.root / JSON).read_text(encoding="utf-8"), self.rows)
        except (OSError, ValueError, KeyError, TypeError) as error:
            return [f"{JSON}: {error}"]
        here = {number: set(map(function_of, tests)) for number, tests in self.marked.items()}
        wrong = []
        for each in found:
            wrong += _row_differences(each.row.number, set(each.tests), here, complete=self.complete)
            if each.passed and not each.tests:
                wrong.append(f"row {each.row.number}: passed without a test")
        markdown = self.root / MARKDOWN
        if not markdown.is_file() or markdown.read_text(encoding="utf-8") != as_markdown(found):
            wrong.append(f"{MARKDOWN} does not show what {JSON} holds")
        return wrong


def _row_differences(
    number: int, recorded: set[str], here: Mapping[int, set[str]], *, complete: bool
) -> list[str]:
    collected = here.get(number, set())
    wrong = [f"row {number}: {test} is not in the table" for test in sorted(collected - recorded)]
    if complete:
        wrong += [f"row {number}: {test} does not carry it" for test in sorted(recorded - collected)]
    return wrong


STATE = pytest.StashKey[Conformance]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("conformance").addoption(
        "--conformance",
        choices=("write", "check"),
        default="",
        help="write docs/conformance.* from this full run, or (with --collect-only) check it by the tests",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "spec(*rows): inventory rows that the test proves")
    mode = config.getoption("--conformance")
    rows = read_rows((config.rootpath / ROWS).read_text(encoding="utf-8"))
    config.stash[STATE] = Conformance(config.rootpath, mode, rows)
    if mode == "check" and not config.option.collectonly:
        raise pytest.UsageError("--conformance=check goes with --collect-only")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Read the markers before other plugins deselect anything."""
    state = config.stash[STATE]
    known = {row.number for row in state.rows}
    wrong = []
    for item in items:
        for mark in item.iter_markers("spec"):
            if not mark.args or mark.kwargs or not known.issuperset(mark.args):
                wrong.append(f"{item.nodeid}: spec{mark.args}: rows are 1..{len(known)}, one or more")
                continue
            for number in mark.args:
                state.marked[number].add(item.nodeid)
    if wrong:
        raise pytest.UsageError("\n".join(wrong))
    state.complete = config.args_source is pytest.Config.ArgsSource.TESTPATHS


def pytest_deselected(items: list[pytest.Item]) -> None:
    if items:
        items[0].config.stash[STATE].complete = False


def pytest_collection_finish(session: pytest.Session) -> None:
    state = session.config.stash[STATE]
    if session.testsfailed or not state.mode:
        return
    if not state.complete:
        raise pytest.UsageError(f"--conformance={state.mode} needs all tests: name none and deselect none")
    if state.mode == "write":
        state.write()
    elif wrong := state.differences():
        raise pytest.UsageError("\n".join([*wrong, f"{JSON} is out of date: 'make test' writes it anew"]))


class _Recorder:
    """Reports carry no configuration, so the recorder is registered for one session."""

    def __init__(self, state: Conformance) -> None:
        self._state = state

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._state.note(report)


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.pluginmanager.register(_Recorder(session.config.stash[STATE]))


def pytest_sessionfinish(session: pytest.Session) -> None:
    state = session.config.stash[STATE]
    if (
        state.mode == "write"
        and state.complete
        and session.testscollected
        and not session.config.option.collectonly
    ):
        state.write()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    state = config.stash[STATE]
    if state.mode == "write" and state.complete:
        states = Counter(each.state for each in state.results())
        counts = ", ".join(f"{states[name]} {name}" for name in ("passed", "not passed", "open"))
        terminalreporter.write_line(f"conformance: {counts} ({MARKDOWN})")
