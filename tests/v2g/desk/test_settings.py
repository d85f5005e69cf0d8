"""Settings and faults as people write them: every mistake is named, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from v2g.desk.car_settings import SETTINGS as CAR
from v2g.desk.charger_settings import SETTINGS as CHARGER
from v2g.desk.faults import CAR_FAULTS, CHARGER_FAULTS, MESSAGE_FAULTS, parse
from v2g.desk.values import Settings, SettingsError, gather


def test_options_win_over_the_file_and_the_file_over_the_defaults(tmp_path: Path):
    file = tmp_path / "charger.yaml"
    file.write_text("mode: ac\nmaximum_current_a: 20\npause: no\nstop_after_s: 3\n")
    settings = gather(CHARGER, file, ["maximum_current_a=16", "stop_after_s=none"])
    assert settings["mode"] == "ac"
    assert settings["maximum_current_a"] == 16.0
    assert settings["pause"] is False
    assert settings["stop_after_s"] is None
    assert settings["phases"] == 3


def test_every_default_is_allowed():
    for declared in (CAR, CHARGER):
        for setting in declared:
            if setting.default is not None:
                assert setting.read(setting.default) == setting.default
            assert setting.meaning


def test_all_mistakes_are_named_at_once(tmp_path: Path):
    file = tmp_path / "charger.yaml"
    file.write_text("mode: hydrogen\nphases: 4\nphase: 3\n")
    with pytest.raises(SettingsError) as caught:
        gather(CHARGER, file, ["pause", "maximum_voltage_v=high", "free_service=perhaps"])
    assert caught.value.problems == [
        f"{file}: mode: 'hydrogen' is not allowed: dc | ac | mcs",
        f"{file}: phases: 4 is not allowed: whole number 1 to 3",
        f"{file}: there is no setting 'phase': phases?",
        "'pause': write NAME=VALUE",
        "maximum_voltage_v: 'high' is not allowed: number 1 to 1500",
        "free_service: 'perhaps' is not allowed: yes | no",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"mode: [dc", "line 1, column 10: "),
        (b"- mode\n", "a list of NAME: VALUE lines is wanted"),
        (b"mode: \xff\n", "byte 6: this is no UTF-8 text"),
        (b"\x00", "#x0000"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes, reason: str):
    file = tmp_path / "car.yaml"
    file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        gather(CAR, file, [])
    (problem,) = caught.value.problems
    assert problem.startswith(f"{file}: ")
    assert reason in problem


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(SettingsError, match="cannot be read: No such file or directory"):
        gather(CAR, tmp_path / "none.yaml", [])


def test_an_empty_file_sets_nothing(tmp_path: Path):
    file = tmp_path / "car.yaml"
    file.write_text("# nothing yet\n")
    assert gather(CAR, file, [])["mode"] == "dc"


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e99"])
def test_numbers_that_are_none(value: str):
    with pytest.raises(SettingsError):
        Settings(CAR, {"capacity_wh": value})


def test_faults_with_message_count_and_value():
    kinds = (*CHARGER_FAULTS, *MESSAGE_FAULTS)
    texts = [
        "isolation",
        "emergency=2.5",
        "malfunction@PreChargeReq",
        "delay@CableCheckRes#3=0.5",
        "drop@PreChargeRes",
    ]
    told = [(each.kind.name, each.message, each.count, each.value) for each in parse(texts, kinds)]
    assert told == [
        ("isolation", "", 0, ""),
        ("emergency", "", 0, "2.5"),
        ("malfunction", "PreChargeReq", 0, "0"),
        ("delay", "CableCheckRes", 3, "0.5"),
        ("drop", "PreChargeRes", 0, ""),
    ]


def test_all_mistakes_in_faults_are_named_at_once():
    texts = ["isolaton", "drop", "isolation@PreChargeReq", "drop@X#many", "isolation=3", "unplug=soon"]
    with pytest.raises(ValueError, match="isolaton") as caught:
        parse(texts, (*CHARGER_FAULTS, *CAR_FAULTS, *MESSAGE_FAULTS))
    assert str(caught.value).splitlines() == [
        "there is no fault 'isolaton': isolation?",
        "drop: write drop@MESSAGE, such as drop@CableCheckRes",
        "isolation strikes at no message",
        "'drop@X#many': 'many' is no count",
        "isolation takes no value",
        "unplug: 'soon' is no number of seconds",
    ]
