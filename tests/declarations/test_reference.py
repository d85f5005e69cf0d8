from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import chargectl
from chargectl.declarations import reference
from chargectl.declarations.errors import ERRORS
from chargectl.declarations.keys import KEYS
from chargectl.declarations.leds import CONDITION_NAMES
from chargectl.declarations.locks import LOCK_NAMES
from chargectl.declarations.topics import TOPICS
from chargectl.declarations.types import ConfigFile

CHECKOUT = Path(__file__).parents[2]


def test_the_reference_in_docs_is_up_to_date():
    assert reference.stale(CHECKOUT / "docs" / "reference") == []


def test_the_reference_names_everything_declared():
    pages = reference.render()
    assert [t.path for t in TOPICS if f"`{t.path}`<br>{t.name}" not in pages["topics.md"]] == []
    paths = [key.path for key in KEYS if key.file is not ConfigFile.ROTARY]
    assert [path for path in paths if f"| `{path}` |" not in pages["configuration.md"]] == []
    assert [row.code for row in ERRORS if f" | {row.code} | " not in pages["errors.md"]] == []
    assert [name for name in LOCK_NAMES if f"`{name}`" not in pages["locks.md"]] == []
    assert [name for name in CONDITION_NAMES if f"`{name}`" not in pages["leds.md"]] == []


@pytest.mark.parametrize("name", sorted(reference.render()))
def test_every_table_row_has_the_cells_of_its_head(name: str):
    width = 0
    for line in reference.render()[name].splitlines():
        cells = line.replace("\\|", "").count("|") - 1 if line.startswith("|") else 0
        assert not width or cells in (0, width), line
        width = cells


def test_every_error_topic_is_declared():
    names = {topic.name for topic in TOPICS}
    assert [row.topic for row in ERRORS if row.topic and row.topic not in names] == []


def test_check_tells_stale_files_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "reference"
    assert reference.main(["--check", str(folder)]) == 1
    assert not folder.exists()
    assert capsys.readouterr().out.count("differs from the declarations") == len(reference.render())

    assert reference.main([str(folder)]) == 0
    assert reference.main(["--check", str(folder)]) == 0
    capsys.readouterr()

    (folder / "leds.md").write_text("old")
    assert reference.main([str(folder), "--check"]) == 1
    assert capsys.readouterr().out == f"{folder / 'leds.md'} differs from the declarations\n"
    assert (folder / "leds.md").read_text() == "old"


@pytest.mark.parametrize("arguments", [[], ["--check"], ["a", "b"], ["--unknown"]])
def test_wrong_use_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert reference.main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: ")


def test_importing_the_declarations_stays_lean():
    source = Path(chargectl.__file__).parents[1]
    program = (
        "import sys\n"
        "import chargectl.declarations.topics, chargectl.declarations.keys, chargectl.declarations.leds\n"
        "import chargectl.declarations.locks, chargectl.declarations.errors\n"
        "heavy = {'json', 'pathlib', 'logging', 'chargectl.declarations.reference'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == []
