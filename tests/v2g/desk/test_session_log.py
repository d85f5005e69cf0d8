"""A YAML file for each session."""

from __future__ import annotations

import errno
import re

import pytest
import yaml

from tests.v2g.cli.programs import program
from tests.v2g.desk.pair import charge
from tests.v2g.netns import needs_netns, plain_wire
from v2g.cli.main import main
from v2g.common.effects import Checkpoint, Log
from v2g.desk import session_log
from v2g.desk.session_log import SessionLog

START_NS = 1_763_762_702_250_000_000
"""2025-11-21 22:05:02.25 UTC"""


@pytest.fixture
def lines():
    return []


@pytest.fixture
def logged(tmp_path, lines):
    log = SessionLog(tmp_path / "logs", "EVSE", lambda: START_NS)
    log.line = lines.append
    yield log
    log.finish(False, ())


def _entries(path):
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize(("side", "number"), [("EVSE", 202), ("CAR", 203)])
def test_sdp_begins_a_file_with_what_was_before(tmp_path, side, number):
    log = SessionLog(tmp_path, side, lambda: START_NS)
    log.take(Log("SLAC MATCHED"))
    assert list(tmp_path.iterdir()) == []
    log.take(Checkpoint(number, "SDP"))
    (file,) = tmp_path.iterdir()
    assert file.name == "251121_22-05-02.yaml"
    assert _entries(file) == [
        {"at": "2025-11-21T22:05:02.250+00:00", "log": "SLAC MATCHED"},
        {"at": "2025-11-21T22:05:02.250+00:00", "checkpoint": number, "text": "SDP"},
    ]
    log.finish(True, ())


def test_without_sdp_the_connection_begins_it(logged, lines):
    logged.take(Checkpoint(303))
    assert _entries(logged.path)[0]["text"] == "TCP connection established"
    assert lines == [f"session log: {logged.path}"]


def test_two_sessions_of_one_second_have_a_file_each(logged):
    logged.take(Checkpoint(202))
    first = logged.path
    logged.finish(True, ("Total: 3 s",))
    logged.take(Log("the next car"))
    logged.take(Checkpoint(202))
    assert logged.path.name == "251121_22-05-02_2.yaml"
    assert _entries(first)[-1] == {
        "at": "2025-11-21T22:05:02.250+00:00",
        "ended": "well",
        "statistics": ["Total: 3 s"],
    }
    assert [each.get("log") for each in _entries(logged.path)] == ["the next car", None]


def test_what_happened_long_before_is_left_out(logged):
    for number in range(session_log.KEPT + 50):
        logged.take(Log(f"waiting, {number}"))
    logged.take(Checkpoint(202))
    entries = _entries(logged.path)
    assert len(entries) == session_log.KEPT
    assert entries[0]["log"] == "waiting, 51"


@pytest.mark.parametrize("protocol", ["din", "iso2", "iso20"])
@pytest.mark.spec(340)
def test_a_whole_session_without_its_tokens(logged, protocol):
    outcome = charge(protocol, "dc")
    told = next(each for each in outcome.charger_effects if getattr(each, "name", "") == "SessionSetupReq")
    body = getattr(getattr(told.message, "Body", None), "BodyElement", told.message)
    secret = body.EVCCID
    for effect in outcome.charger_effects:
        logged.take(effect)
    logged.finish(True, ())
    entries = _entries(logged.path)
    messages = [each for each in entries if "message" in each]
    seen = [each.name for each in outcome.charger_effects if type(each).__name__ == "MessageSeen"]
    assert [each["message"] for each in messages] == seen
    assert {each["from"] for each in messages} == {"car", "charger"}
    setup = next(each for each in messages if each["message"] == "SessionSetupReq")
    assert re.fullmatch(r"\[redacted\] hash: [0-9A-F]{15}", setup["values"]["EVCCID"])
    plain = logged.path.read_text()
    assert (secret.hex() if isinstance(secret, bytes) else secret).lower() not in plain.lower()
    assert told.payload.hex() not in plain
    assert len(setup["exi"]) == 2 * len(told.payload)
    loop = next(each for each in messages if each["message"] in ("CurrentDemandRes", "DC_ChargeLoopRes"))
    assert loop["values"]["EVSEPresentVoltage"] > 300
    assert [each["phase"] for each in entries if each.get("started")][:1] == ["init"]
    assert entries[-1]["ended"] == "well"


def test_a_full_disk_ends_the_file_and_not_the_session(logged, lines, monkeypatch):
    logged.take(Checkpoint(202))

    class Full:
        def write(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    logged._file.close()
    logged._file = Full()
    logged.take(Log("one"))
    logged.take(Log("two"))
    logged.finish(True, ())
    logged.take(Checkpoint(202))
    assert lines[1:] == [f"{logged.path}: No space left on device; no session is logged any more"]


def test_a_folder_that_cannot_be(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for command in ("evse", "pev"):
        assert main([command, "-i", "lo", "--no-slac", "--session-logs", str(tmp_path / "file")]) == 2
        assert capsys.readouterr().err == f"v2g {command}: {tmp_path / 'file'}: File exists\n"


@needs_netns
@pytest.mark.spec(334)
def test_charger_and_car_write_one_for_each_session_of_iso_15118_20(tmp_path):
    evse, ev = tmp_path / "evse", tmp_path / "ev"
    common = ["--no-slac", "--protocols", "iso20"]
    with plain_wire() as wire, program(wire.evse, "evse", *common, "--session-logs", str(evse)) as charger:
        charger.wait_for("listening on")
        for _ in range(2):
            wishes = ["--set", "loop_s=1", "--session-logs", str(ev)]
            with program(wire.ev, "pev", *common, *wishes) as car:
                assert car.end() == (0, ""), car.text
        charger.wait_for("session log: .*")
        charger.end(2)
    for folder in (evse, ev):
        files = sorted(folder.iterdir())
        assert len(files) == 2
        for file in files:
            assert re.fullmatch(r"\d{6}_\d\d-\d\d-\d\d(_\d)?\.yaml", file.name)
            entries = _entries(file)
            names = [each["message"] for each in entries if "message" in each]
            assert names[0] == "supportedAppProtocolReq"
            assert names[-1] == "SessionStopRes"
            assert entries[-1]["ended"] == "well"
            assert any("Total" in line for line in entries[-1]["statistics"])
            assert any(each.get("checkpoint") in (202, 203) for each in entries)
