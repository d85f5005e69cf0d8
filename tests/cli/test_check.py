"""`chargectl check`, and how `chargectl` finds its subcommands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chargectl.cli.main import COMMANDS, main
from chargectl.config.load import shipped_content
from chargectl.declarations.types import ConfigFile


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for file in ConfigFile:
        (tmp_path / file.value).write_text(shipped_content(file))
    return tmp_path


def test_the_files_of_the_device(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config-dir", str(directory)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{directory / file.value}: no problems" for file in ConfigFile
    ]


def test_warnings_are_no_errors(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = directory / "customer.json"
    path.write_text('{\n  "ports": [{"evse_curent_limit": 16}]\n}')
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().out == (
        f"{path}:2:14: warning: ports[0]/evse_curent_limit: there is no such key; it has no effect; "
        f'did you mean "evse_current_limit"?\n{path}: 0 errors, 1 warning\n'
    )


def test_all_errors_at_once(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = directory / "leds.json"
    path.write_text('{\n  "leds": [{"gpios": [84] "behaviors": []}],\n  "leds": []\n  x: 1\n}')
    (directory / "rotaryencd.json").unlink()
    assert main(["check", "--config-dir", str(directory)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        str(directory / "customer.json"),
        f"{path}:2:26",
        f"{path}:3:3",
        f"{path}:3:13",
        f"{path}:4:3",
        f"{path}:4:3",
        str(path),
        str(directory / "rotaryencd.json"),
    ]
    assert lines[-2:] == [
        f"{path}: 4 errors, 1 warning",
        f"{directory / 'rotaryencd.json'}: error: No such file or directory",
    ]


def test_the_name_says_which_file_it_is(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = directory / "copy"
    copy.write_text(shipped_content(ConfigFile.LEDS))
    assert main(["check", str(copy)]) == 2
    assert "say --as with one of customer.json" in capsys.readouterr().err
    assert main(["check", "--as", "leds.json", str(copy)]) == 0
    copy.rename(directory / "leds.json.shipped")
    assert main(["check", str(directory / "leds.json.shipped")]) == 0


@pytest.mark.parametrize(
    "words", [[], ["frobnicate"], ["check", "--frob"], ["check", "--as", "x"], ["config"]]
)
def test_wrong_command_lines(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "usage: chargectl" in capsys.readouterr().err


def test_help_names_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown and text in shown for name, (_, text) in COMMANDS.items())


def test_only_the_wanted_command_is_imported(directory: Path) -> None:
    program = (
        "import sys; from chargectl.cli.main import main; "
        f"code = main(['check', '--config-dir', {str(directory)!r}]); "
        "print(sorted(name for name in sys.modules if name.startswith('chargectl.cli.')))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.stdout.splitlines()[-1] == "['chargectl.cli.check', 'chargectl.cli.main']"


def test_a_command_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(COMMANDS, "moon", ("chargectl.cli.moon", "fly"))
    assert main(["moon"]) == 2
    assert "'moon' is not installed" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough(directory: Path) -> None:
    result = subprocess.run(
        f"{sys.executable} -m chargectl.cli.main config shipped | head -1; "
        f"{sys.executable} -m chargectl.cli.main config list --config-dir {directory} | true",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert "Traceback" not in result.stderr
    assert "Exception" not in result.stderr
