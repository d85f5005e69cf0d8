"""Settings and faults as people write them: every mistake is named, all at once."""

from __future__ import annotations

from collections.abc import Callable
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
        f"{file}:1:7: mode: 'hydrogen' is not allowed: dc | ac | mcs",
        f"{file}:2:9: phases: '4' is not allowed: whole number 1 to 3",
        f"{file}:3:8: there is no setting 'phase': phases?",
        "'pause': write NAME=VALUE",
        "maximum_voltage_v: 'high' is not allowed: number 1 to 1500",
        "free_service: 'perhaps' is not allowed: yes | no",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"mode: [dc", ":1:10: "),
        (b"- mode\n", ":1:1: a list of NAME: VALUE lines is wanted"),
        (b"mode\n", ":1:1: a list of NAME: VALUE lines is wanted"),
        (b"mode: \xff\n", ": byte 6: this is no UTF-8 text"),
        (b"mode: dc\n\x00", ":2:1: the character #x0000 is not allowed"),
        (b"mode: dc\nmac: x\nmode: ac\n", ":3:1: mode is set twice, already in line 1"),
        (
            b"mode: !!timestamp 2020-99-99\n",
            ":1:7: a tag such as !!timestamp is not allowed; write only the value",
        ),
        (b"mode: !!python/object:os.system {}\n", ":1:7: a list or mapping is not allowed here"),
        (b"mode: " + b"[" * 5000, ":1:8: a list or mapping is not allowed here"),
        (b"[" * 5000, ":1:1: a list of NAME: VALUE lines is wanted"),
        (b"a: " * 3 + b"{" * 9999, ""),
        (b"? {mode: dc}\n: 1\n", ":1:3: a list or mapping is not allowed here"),
        (b"mode: &a dc\nmac: *a\n", ":2:6: an alias is not allowed here"),
        (b"mode: dc\n---\nmode: ac\n", ":2:1: a second document"),
        (b"mode: [dc, ac]\n", ":1:7: mode: a list is not allowed: dc | ac | mcs"),
        (b"mood: [dc, ac]\n", ":1:7: mood: there is no such setting"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes, reason: str):
    file = tmp_path / "car.yaml"
    file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        gather(CAR, file, [])
    (problem,) = caught.value.problems
    assert problem.startswith(f"{file}{reason}")
    assert "\n" not in problem


def test_a_file_of_the_wrong_kind(tmp_path: Path):
    file = tmp_path / "car.yaml"
    file.write_bytes(b"#" * 2_000_000)
    with pytest.raises(SettingsError, match="larger than 1000000 bytes"):
        gather(CAR, file, [])


def test_lists_beside_the_settings(tmp_path: Path):
    file = tmp_path / "charger.yaml"
    file.write_text("mode: ac\nfaults:\n  - isolation\n  - isolatin\nprotocols: din\n")

    def check(text: str) -> None:
        parse([text], CHARGER_FAULTS)

    lists: dict[str, Callable[[str], object]] = {"faults": check, "protocols": str}
    with pytest.raises(SettingsError) as caught:
        gather(CHARGER, file, [], lists)
    assert caught.value.problems == [f"{file}:4:5: there is no fault 'isolatin': isolation?"]
    file.write_text("mode: ac\nfaults: [isolation, emergency=2]\nprotocols: din\n")
    settings = gather(CHARGER, file, [], lists)
    assert settings.lists == {"faults": ["isolation", "emergency=2"], "protocols": ["din"]}
    assert settings["mode"] == "ac"


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
    texts = [
        "isolaton",
        "drop",
        "isolation@PreChargeReq",
        "drop@PreChargeRes#many",
        "isolation=3",
        "unplug=soon",
    ]
    with pytest.raises(ValueError, match="isolaton") as caught:
        parse(texts, (*CHARGER_FAULTS, *CAR_FAULTS, *MESSAGE_FAULTS))
    assert str(caught.value).splitlines() == [
        "there is no fault 'isolaton': isolation?",
        "drop: write drop@MESSAGE, such as drop@CableCheckRes",
        "isolation strikes at no message",
        "'drop@PreChargeRes#many': 'many' is no count: a whole number from 1 on",
        "isolation takes no value",
        "unplug: 'soon' is no number of seconds from 0 to 86400",
    ]


def test_a_side_spoils_its_own_messages_only():
    with pytest.raises(ValueError, match=r"this side sends no PreChargeRes, only messages in -Req$"):
        parse(["drop@PreChargeRes"], MESSAGE_FAULTS, "Req")
    assert parse(["drop@PreChargeReq"], MESSAGE_FAULTS, "Req")[0].message == "PreChargeReq"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("isolatin", "there is no fault 'isolatin': isolation?"),
        ("drop@CableCheckRez", "there is no message 'CableCheckRez': CableCheckRes?"),
        ("drop@zzz", "there is no message 'zzz', such as CableCheckReq or CableCheckRes"),
        ("code@SessionSetupRes=BOGUS", "code: SessionSetupRes has no response code 'BOGUS'; it has FAILED, "),
        ("code@SessionSetupRes=FAILED_SequenceEror", "'FAILED_SequenceEror': FAILED_SequenceError?"),
        ("code@SessionSetupReq", "a request has no response code; SessionSetupRes has one"),
        ("session_id@supportedAppProtocolRes", "supportedAppProtocolRes belongs to no session yet"),
        ("other@supportedAppProtocolRes", "supportedAppProtocolRes belongs to no session yet"),
        ("emergency@PreChargeRes", "emergency strikes at a request, such as PreChargeReq"),
        ("emergency=inf", "emergency: 'inf' is no number of seconds from 0 to 86400"),
        ("delay@SessionSetupRes=nan", "delay: 'nan' is no number of seconds from 0 to 86400"),
        ("delay@SessionSetupRes=-1", "delay: '-1' is no number of seconds from 0 to 86400"),
        ("drop@PreChargeRes#0", "'0' is no count: a whole number from 1 on"),
        ("drop@PreChargeRes#", "'' is no count: a whole number from 1 on"),
        ("drop@PreChargeRes#\u0663", "is no count: a whole number from 1 on"),
    ],
)
def test_faults_that_could_never_strike(text: str, reason: str):
    with pytest.raises(ValueError, match=r"^.") as caught:
        parse([text], (*CHARGER_FAULTS, *MESSAGE_FAULTS))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_message_set_has_its_messages_and_codes():
    kinds = (*CHARGER_FAULTS, *MESSAGE_FAULTS)
    for text in (
        "code@supportedAppProtocolRes=Failed_NoNegotiation",
        "code@ContractAuthenticationRes=FAILED_ChallengeInvalid",
        "code@AuthorizationRes=WARNING_eMSPUnknown",
        "code@DC_ChargeLoopRes=FAILED",
        "drop@AC_ChargeLoopReq",
        "drop@SessionStopReq",
    ):
        assert parse([text], kinds)


def test_a_code_of_another_message_set_leaves_the_message_as_it_is():
    from tests.v2g.desk.pair import charge

    outcome = charge("iso2", charger_faults=("code@SessionSetupRes=WARNING_eMSPUnknown",))
    assert outcome.charger_fine is True
    assert "fault code@SessionSetupRes cannot strike: " in outcome.charger_log
