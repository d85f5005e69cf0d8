"""A YAML file for each session."""

from __future__ import annotations

import errno
import json
import re

import pytest
import yaml

import v2gexi
from tests.v2g.cli.programs import program
from tests.v2g.desk.pair import charge
from tests.v2g.netns import needs_netns, plain_wire
from v2g.cli.main import main
from v2g.common import redact
from v2g.common.effects import Checkpoint, Log
from v2g.desk import session_log
from v2g.desk.session_log import SessionLog
from v2g.secc.effects import MessageSeen
from v2g.slac.effects import Matched
from v2gexi import iso20_common

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


def test_a_connection_that_ended_without_a_session_has_a_file_of_its_own(logged):
    for number in (202, 303, 202, 303, 500):
        logged.take(Checkpoint(number))
    first, second = (_entries(each) for each in sorted(logged.path.parent.iterdir()))
    assert [each.get("checkpoint", each.get("ended")) for each in first] == [202, 303, 202, 303, "failed"]
    assert [each["checkpoint"] for each in second] == [500]


def test_whatever_a_car_writes_can_be_read_again(logged):
    text = "emoji \U0001f697 \u2028 \x00 \x7f \ud83d \ufeff 'quote' \" : # - line\nend"
    logged.take(Checkpoint(202))
    logged.take(Log(text))
    assert _entries(logged.path)[-1]["log"].encode("utf-8", "surrogatepass") == text.encode(
        "utf-8", "surrogatepass"
    )


@pytest.mark.parametrize("number", [1e-4, 1e-9, 1e16, 400.0, 0.1])
def test_numbers_are_numbers(number):
    assert yaml.safe_load(json.dumps(session_log._plain(number))) == pytest.approx(number, abs=1e-4)


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
    path = logged.path
    logged.finish(True, ())
    entries = _entries(path)
    messages = [each for each in entries if "message" in each]
    seen = [each.name for each in outcome.charger_effects if type(each).__name__ == "MessageSeen"]
    assert [each["message"] for each in messages] == seen
    assert {each["from"] for each in messages} == {"car", "charger"}
    setup = next(each for each in messages if each["message"] == "SessionSetupReq")
    assert re.fullmatch(r"\[redacted\] hash: [0-9A-F]{15}", setup["values"]["EVCCID"])
    plain = path.read_text()
    assert (secret.hex() if isinstance(secret, bytes) else secret).lower() not in plain.lower()
    assert told.payload.hex() not in plain
    exi = bytes.fromhex(setup["exi"])
    assert len(exi) == len(told.payload)
    names = {"din": "din", "iso2": "iso2", "iso20": "iso20-common"}
    passed_on = v2gexi.decode(exi, names[protocol])
    body = getattr(getattr(passed_on, "Body", None), "BodyElement", passed_on)
    assert redact.stand_in(secret) == body.EVCCID
    loop = next(each for each in messages if each["message"] in ("CurrentDemandRes", "DC_ChargeLoopRes"))
    assert loop["values"]["EVSEPresentVoltage"] > 300
    assert [each["phase"] for each in entries if each.get("started")][:1] == ["init"]
    assert entries[-1]["ended"] == "well"


def test_contracts_keys_and_addresses_of_a_match(logged):
    contracts = ["DEABCSECRET01", "DEABCSECRET02"]
    wish = iso20_common.CertificateInstallationReq(
        Header=iso20_common.MessageHeaderType(SessionID=bytes(8), TimeStamp=1),
        OEMProvisioningCertificateChain=iso20_common.SignedCertificateChainType(
            Id="id1", Certificate=b"certificate of the car"
        ),
        ListOfRootCertificateIDs=iso20_common.ListOfRootCertificateIDsType(
            RootCertificateID=[
                iso20_common.X509IssuerSerialType(X509IssuerName="CN=root", X509SerialNumber=1)
            ]
        ),
        MaximumContractCertificateChains=1,
        PrioritizedEMAIDs=iso20_common.EMAIDListType(EMAID=contracts),
    )
    logged.take(Checkpoint(202))
    logged.take(Matched(b"\x01" * 6, b"\x02" * 6, b"\x03" * 7, b"\x04" * 16))
    logged.take(MessageSeen("CertificateInstallationReq", True, wish, v2gexi.encode(wish)))
    *_, match, message = _entries(logged.path)
    assert match["event"] == "SLAC MATCHED, nid 03030303030303"
    assert message["values"]["EMAID"] == [redact.redacted(each) for each in contracts]
    exi = bytes.fromhex(message["exi"])
    assert not any(each.encode() in exi for each in (*contracts, "certificate of the car"))


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
    common = ["--no-slac", "--protocols", "iso20", "--session-logs"]
    with plain_wire() as wire:
        for _ in range(2):
            with program(wire.evse, "evse", "--once", *common, str(evse)) as charger:
                charger.wait_for("listening on")
                with program(wire.ev, "pev", "--set", "loop_s=1", *common, str(ev)) as car:
                    assert car.end() == (0, ""), car.text
                assert charger.end() == (0, ""), charger.text
            assert re.search(rf"session log: {evse}/\S+\.yaml", charger.text)
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
