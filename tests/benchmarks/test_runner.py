"""`make bench`: finds the benchmarks, shows their figures, says what went wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import Figure
from benchmarks import __main__ as runner


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three benchmarks: one good, one good with a ratio, one that fails."""

    def module(name: str, figures: list[Figure] | Exception) -> None:
        def run() -> list[Figure]:
            if isinstance(figures, Exception):
                raise figures
            return figures

        made = ModuleType(name, f"The {name} benchmark.\n\nMore.")
        made.figures = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"benchmarks.bench_{name}", made)

    module("cycle", [Figure("cost of a cycle", 12.5, "us"), Figure("worst", 1234567.0, "us")])
    module("ratio", [Figure("decode", 0.5, "x", "json")])
    module("bad", OSError("no such device"))
    monkeypatch.setattr(runner, "names", lambda _folder: ["bad", "cycle", "ratio"])


@pytest.mark.usefixtures("benchmarks")
def test_figures_are_shown_and_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert runner.main(["cycle", "ratio", "--json", str(tmp_path / "out.json")]) == 0
    shown = capsys.readouterr().out.splitlines()[1:]
    assert shown == [
        "The cycle benchmark.",
        "  cost of a cycle          12.5 us",
        "  worst               1.235e+06 us",
        "The ratio benchmark.",
        "  decode           0.5 x (against json)",
    ]
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert written["ratio"] == [{"name": "decode", "value": 0.5, "unit": "x", "against": "json"}]


@pytest.mark.usefixtures("benchmarks")
def test_a_benchmark_that_fails_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main([]) == 1
    shown = capsys.readouterr()
    assert shown.err == "bad: OSError: no such device\n"
    assert "The ratio benchmark." in shown.out


@pytest.mark.usefixtures("benchmarks")
def test_an_unknown_name_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        runner.main(["cycles"])
    assert "no benchmark cycles: there are bad, cycle, ratio" in capsys.readouterr().err


def test_names_come_from_the_files(tmp_path: Path) -> None:
    for name in ("bench_b.py", "bench_a.py", "figure.py", "bench_notes.txt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert runner.names(tmp_path) == ["a", "b"]
