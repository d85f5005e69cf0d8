"""What portd does so that the guard can tell its states apart, and the pins that both know."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from chargectl.board import guard_pins
from chargectl.board.profile import PROFILES
from chargectl.system.heartbeat import TAKEN_NAME, Heartbeat, TakenOverError
from tests.guard.rig import GUARD
from tests.guard.test_policy import load


def test_the_heartbeat_says_in_words_when_the_loop_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "portd.heartbeat"
    heart = Heartbeat(path)
    heart.starting()
    assert path.read_text() == "starting\n"
    heart.beat()
    assert path.read_text() == ""
    heart.end(wanted=True)
    assert path.read_text() == "stopped\n"
    heart.close()
    heart = Heartbeat(path)
    heart.starting()
    assert path.read_text() == "starting\n", "the end of the one before is not that of this one"
    heart.end(wanted=False)
    assert path.read_text() == "failed\n"
    heart.close()


def test_words_in_a_file_that_took_its_place_do_not_stay(tmp_path: Path) -> None:
    path = tmp_path / "portd.heartbeat"
    heart = Heartbeat(path)
    heart.beat()
    path.unlink()
    path.write_text("stopped\n")
    heart.beat()
    assert path.read_text() == ""
    heart.close()


def test_who_lost_its_outputs_does_not_go_on(tmp_path: Path) -> None:
    taken = tmp_path / TAKEN_NAME
    taken.touch()
    heart = Heartbeat(tmp_path / "portd.heartbeat")
    heart.starting()
    assert heart.beat()
    taken.write_text(f"{os.getpid() + 1}\n")
    assert heart.beat(), "that was another process"
    taken.write_text(f"{os.getpid()}\n")
    with pytest.raises(TakenOverError, match="taken the outputs over"):
        heart.beat()
    heart.close()


def test_without_a_guard_nothing_is_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    heart = Heartbeat(tmp_path / "portd.heartbeat")
    heart.starting()
    assert heart.beat()
    assert caplog.records == []
    heart.close()


def test_the_pins_of_the_guard_are_those_of_the_board() -> None:
    assert (GUARD / "pins.py").read_text(encoding="utf-8") == guard_pins.text(), (
        "run python -m chargectl.board.guard_pins"
    )
    pins = load("pins")
    held = {number: high for number, _, high in pins.SAFE}
    for profile in PROFILES:
        wanted = [relay.enable for relay in profile.relays]
        wanted += [pin for motor in (profile.plug_lock, profile.cover_lock) for pin in (motor.in1, motor.in2)]
        assert {pin.number: pin.active_low for pin in wanted}.items() <= held.items()
        assert pins.PILOT_INVERT[0] == profile.pilot.invert.number
    assert pins.SAFE[0][0] == PROFILES[0].relays[0].enable.number, "the contactor first"


def test_the_check_of_the_pins_notices_a_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pins.py"
    assert guard_pins.main([str(path)]) == 0
    assert guard_pins.main([str(path), "--check"]) == 0
    changed = path.read_text().replace("76", "75")
    path.write_text(changed)
    assert guard_pins.main([str(path), "--check"]) == 1
    assert str(path) in capsys.readouterr().err
    assert path.read_text() == changed


def test_nothing_imports_the_guard_and_it_imports_nothing_of_the_rest() -> None:
    package = GUARD.parent
    assert not (GUARD / "__init__.py").exists()
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.parent == GUARD:
            assert not re.search(r"^\s*(import|from) chargectl", text, re.MULTILINE), path
        else:
            assert "chargectl.guard" not in text, path
