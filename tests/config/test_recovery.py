"""Recovery at start (guide 10.3): missing, empty or unparseable files."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargectl.config import recovery
from chargectl.config.load import load, shipped_content
from chargectl.config.recovery import Source, recover
from chargectl.declarations.types import ConfigFile

GOOD, BACKUP, SHIPPED, BUILT_IN = '{"a": 1} // file', '{"a": 2} // backup', '{"a": 3} // shipped', '{"a": 4}'
BAD = ['{"a": 1', "\0\0\0\0", '{"a": 1 "b": 2}', "[]", "\xff", "// only a comment", " \n"]


class Place:
    def __init__(self, root: Path) -> None:
        self.path = root / "etc" / "customer.json"
        self.shipped = root / "etc" / "customer.json.shipped"
        self.corrupt = root / "etc" / "customer.json.corrupt"
        self.backups = root / "backups"
        self.backup = self.backups / "customer.json"
        self.path.parent.mkdir()
        self.backups.mkdir()

    def recover(self) -> recovery.Recovered:
        return recover(self.path, self.backups, lambda: BUILT_IN)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def write(path: Path, text: str | None) -> None:
    if text is not None:
        path.write_bytes(text.encode("latin-1"))


@pytest.mark.spec(275, 276, 278)
@pytest.mark.parametrize("bad", [None, "", *BAD])
@pytest.mark.parametrize("backup", [None, "", '{"a"', BACKUP])
@pytest.mark.parametrize("shipped", [None, "{]", SHIPPED])
def test_recovery_matrix(place: Place, bad: str | None, backup: str | None, shipped: str | None) -> None:
    write(place.path, bad)
    write(place.backup, backup)
    write(place.shipped, shipped)
    recovered = place.recover()
    if backup == BACKUP:
        expected, source = BACKUP, Source.BACKUP
    elif shipped == SHIPPED:
        expected, source = SHIPPED, Source.SHIPPED
    else:
        expected, source = BUILT_IN, Source.DECLARATIONS
    assert recovered.source is source
    assert recovered.written
    assert recovered.document.text == expected
    assert place.path.read_text() == expected
    if bad:
        assert place.corrupt.read_bytes() == bad.encode("latin-1")
    else:
        assert not place.corrupt.exists()
    assert f"{place.path} restored from {source.value}" in recovered.events
    assert place.recover().source is Source.FILE


@pytest.mark.parametrize("content", [GOOD, '{"a": 1,}', '{"a": 1, "a": 2}', '{"unknown": "x"}', "{}"])
def test_a_usable_file_is_left_alone(place: Place, content: str) -> None:
    write(place.path, content)
    write(place.backup, BACKUP)
    recovered = place.recover()
    assert recovered.source is Source.FILE
    assert recovered.events == ()
    assert place.path.read_text() == content
    assert not place.corrupt.exists()


def test_the_journal_says_what_happened(place: Place) -> None:
    write(place.path, '{\n  "a": 1\n  "b": 2\n}')
    write(place.backup, "")
    write(place.shipped, SHIPPED)
    assert place.recover().events == (
        f"{place.path} cannot be parsed (line 2, column 9: ',' is missing behind the value)",
        f"{place.backup} is empty",
        f"{place.path} is kept as {place.corrupt}",
        f"{place.path} restored from the shipped file",
    )


def test_a_folder_in_place_of_the_file(place: Place) -> None:
    place.path.mkdir()
    write(place.backup, BACKUP)
    assert place.recover().source is Source.BACKUP
    assert place.path.read_text() == BACKUP
    assert place.corrupt.is_dir()


def test_interrupted_writes_are_cleaned_up(place: Place) -> None:
    write(place.path, GOOD)
    leftover = place.path.with_name(".customer.json.4711.new")
    leftover.write_text("{")
    assert place.recover().events == (f"removed {leftover}, an interrupted write",)
    assert not leftover.exists()


def test_a_disk_that_takes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    write(place.backup, BACKUP)
    monkeypatch.setattr(recovery, "write_atomic", full)
    recovered = place.recover()
    assert not recovered.written
    assert recovered.document.text == BACKUP
    assert recovered.events[-1] == (
        f"{place.path} cannot be restored (No space left on device); running with the backup"
    )


def test_the_folder_is_made_when_missing(tmp_path: Path) -> None:
    path = tmp_path / "no" / "such" / "customer.json"
    assert recover(path, tmp_path / "none", lambda: BUILT_IN).written
    assert path.read_text() == BUILT_IN


def test_a_daemon_loads_what_configd_would_restore(tmp_path: Path) -> None:
    directory, backups = tmp_path / "etc", tmp_path / "backups"
    directory.mkdir()
    backups.mkdir()
    (directory / "customer.json").write_text('{"ports": [{"evse_current_limit": 16}')
    (backups / "customer.json").write_text('{"ports": [{"evse_current_limit": 13}]}')
    (directory / "leds.json").write_text(shipped_content(ConfigFile.LEDS))
    configurations, problems = load(directory, backups)
    assert configurations[ConfigFile.CUSTOMER].integer("ports[0]/evse_current_limit") == 13
    assert configurations[ConfigFile.ROTARY].integer("rotary_switch_1[15]/current_limit") == 63
    assert [problem.file for problem in problems] == ["customer.json", "rotaryencd.json"]
    assert "cannot be parsed" in problems[0].message
    assert "is missing" in problems[1].message
    assert (directory / "customer.json").read_text().endswith("16}")
