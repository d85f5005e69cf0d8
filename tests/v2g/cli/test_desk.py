"""`v2g evse` and `v2g pev` as people call them: what they refuse, what they write, how they end."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.v2g.cli.programs import ROOT, V2G, program
from tests.v2g.netns import needs_netns, plain_wire
from v2g.cli import desk, evse, pev
from v2g.cli.main import main
from v2g.desk.charger_settings import SETTINGS
from v2g.security.pki.folder import write
from v2g.security.pki.maker import Wishes, make


def _refused(capsys, *arguments) -> list[str]:
    """What a command says that cannot be done."""
    assert main([str(each) for each in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return [str(line) for line in err.splitlines()]


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    write(folder, make(Wishes()))
    return folder


@pytest.mark.parametrize("command", ["evse", "pev"])
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-i", "nothing0", "--no-slac"], "nothing0: no such interface; there are "),
        (["-i", "nothing0", "--no-slac", "--syslog"], "nothing0: no such interface; there are "),
        (["-i", "a\x1b[31m\0b"], r"a\\x1b\[31m\\x00b: no such interface; there are "),
        (["-i", "lo", "--no-slac", "--record", "/nowhere/x"], "/nowhere/x: No such file or directory$"),
        (["--fault", "code@SessionSetupRes=BOGUS"], "code: SessionSetupRes has no response code 'BOGUS'"),
        (["--set", "mode=steam"], "mode: 'steam' is not allowed: dc | ac | mcs$"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_at_once(capsys, command, arguments, reason):
    (line,) = _refused(capsys, command, *arguments)
    assert re.match(rf"v2g \w+: {reason}", line), line
    assert line.isprintable()


@pytest.mark.parametrize(("command", "other"), [("evse", "Req"), ("pev", "Res")])
def test_a_fault_of_the_other_sides_messages(capsys, command, other):
    (line,) = _refused(capsys, command, "-i", "lo", "--no-slac", "--fault", f"drop@SessionSetup{other}")
    assert f"this side sends no SessionSetup{other}, only messages" in line


@pytest.mark.parametrize("command", ["evse", "pev"])
def test_a_recording_goes_into_no_other_file(capsys, tmp_path, command):
    precious = tmp_path / "precious.txt"
    precious.write_text("precious text\n")
    (line,) = _refused(capsys, command, "-i", "lo", "--no-slac", "--record", precious)
    reason = "is there already and is no pcapng file: nothing is appended"
    assert line == f"v2g {command}: {precious}: {reason}"
    assert precious.read_text() == "precious text\n"


def test_plug_and_charge_needs_tls_and_certificates(capsys, tmp_path):
    asked = ["evse", "-i", "lo", "--no-slac", "--plug-and-charge"]
    assert _refused(capsys, *asked) == ["v2g evse: TLS and Plug & Charge need --pki FOLDER"]
    asked += ["--pki", str(tmp_path)]
    assert _refused(capsys, *asked) == ["v2g evse: Plug & Charge needs --tls allow or --tls force"]
    (line,) = _refused(capsys, *asked, "--tls", "force")
    assert line.startswith(f"v2g evse: {tmp_path}/secc")


def test_the_key_log_is_for_the_owner_alone(capsys, tmp_path, pki):
    path = tmp_path / "keys.log"
    before = os.umask(0)
    try:
        desk.key_log(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    (line,) = _refused(capsys, "evse", "-i", "lo", "--tls", "force", "--pki", pki, "--key-log", path)
    assert line.startswith(f"v2g evse: {path}: others may use this file (mode 644)")
    gone = tmp_path / "no" / "keys.log"
    (line,) = _refused(capsys, "pev", "-i", "lo", "--tls", "only", "--pki", pki, "--key-log", gone)
    assert line == f"v2g pev: {gone}: No such file or directory"


def _plan(file: Path, *arguments: str) -> desk.Plan:
    parser = argparse.ArgumentParser()
    evse.add_parser(parser.add_subparsers())
    args = parser.parse_args(["evse", "--settings", str(file), *arguments])
    return desk.plan_of(args, SETTINGS, evse.FAULTS, "Res")


def test_message_sets_and_faults_of_the_file_and_options_that_win(tmp_path):
    file = tmp_path / "charger.yaml"
    file.write_text(
        "mode: dc\nprotocols: [iso20, din]\nfaults:\n  - isolation\n  - code@PreChargeRes=FAILED\n"
    )
    plan = _plan(file)
    assert plan.protocols == "iso20,din"
    assert [fault.kind.name for fault in plan.faults] == ["isolation", "code"]
    plan = _plan(file, "--protocols", "iso2", "--fault", "reject")
    assert plan.protocols == "iso2"
    assert [fault.kind.name for fault in plan.faults] == ["reject"]
    file.write_text("protocols: iso2, din\n")
    assert _plan(file).protocols == "iso2,din"
    file.write_text("mode: dc\n")
    assert _plan(file).protocols == "iso2,din"


def test_message_sets_and_faults_of_the_file_that_do_not_exist(capsys, tmp_path):
    file = tmp_path / "charger.yaml"
    file.write_text("protocols: [iso2, iso3]\nfaults: isolatin\n")
    assert _refused(capsys, "evse", "--settings", file, "--fault", "rejec") == [
        f"v2g evse: {file}:1:19: 'iso3': write some of din, iso2, iso20",
        f"v2g evse: {file}:2:9: there is no fault 'isolatin': isolation?",
        "v2g evse: there is no fault 'rejec': reject?",
    ]


def test_slac_by_options():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    evse.add_parser(commands)
    pev.add_parser(commands)
    station = evse.slac_config(
        parser.parse_args(["evse", "--validate", "--attenuation-correction", "3", "--measured-only"]),
        bytes(6),
    )
    assert (station.validation, station.attenuation_correction_db) == (True, 3)
    assert station.plausible_attenuation is False
    options = ["--validate", "--attenuation-direct", "5", "--attenuation-limit", "25.5"]
    with pytest.raises(SystemExit):
        parser.parse_args(["evse", "--attenuation-correction", "2.5"])
    car = pev.slac_config(parser.parse_args(["pev", *options, "--attenuation-correction", "0"]), bytes(6))
    assert (car.validate, car.direct_db, car.indirect_db) == (True, 5.0, 25.5)
    assert car.attenuation_correction_db == 0.0
    # Without options as the standard and the cores have it.
    from v2g.slac.ev_attempt import EvConfig
    from v2g.slac.matching import EvseConfig

    assert pev.slac_config(parser.parse_args(["pev"]), bytes(6)) == EvConfig(bytes(6))
    assert evse.slac_config(parser.parse_args(["evse"]), bytes(6)) == EvseConfig(bytes(6))


def test_attenuations_that_make_no_sense(capsys):
    wrong = ["--attenuation-direct", "30", "--attenuation-limit", "20"]
    reason = "--attenuation-direct is above --attenuation-limit"
    assert _refused(capsys, "pev", "-i", "lo", *wrong) == [f"v2g pev: {reason}"]
    for value in ("-1", "nan", "loud", "101"):
        assert main(["pev", f"--attenuation-limit={value}"]) == 2
        assert f"{value!r} is no number of dB from 0 to 100" in capsys.readouterr().err


@needs_netns
@pytest.mark.parametrize("protocol", ["iso2", "iso20"])
def test_a_contract_pays_for_a_session(tmp_path, pki, protocol):
    folder, options = pki, ["--pki", str(pki)]
    if protocol == "iso20":
        from v2g.security.profiles import Generation

        folder = tmp_path / "pki20"
        write(folder, make(Wishes(Generation.ISO20)))
        options = ["--iso20-pki", str(folder)]
    keys = tmp_path / "keys.log"
    common = ["--no-slac", "--protocols", protocol, *options]
    with plain_wire() as wire:
        station = ["--once", "--tls", "force", "--plug-and-charge", "--key-log", str(keys), *common]
        with program(wire.evse, "evse", *station) as charger:
            charger.wait_for("listening on")
            with program(wire.ev, "pev", "--tls", "only", "--contract", "--set", "loop_s=1", *common) as car:
                assert car.end() == (0, ""), car.text
            assert charger.end() == (0, ""), charger.text
    assert "authorisation wanted, Contract" in charger.text
    assert "authorisation wanted, ExternalPayment" not in charger.text
    assert keys.stat().st_mode & 0o777 == 0o600
    assert "CLIENT" in keys.read_text()


@needs_netns
@pytest.mark.parametrize(
    ("station", "namespace"), [("iso2", ":iso:15118:2:2013"), ("iso20", ":iso:std:iso:15118:-20")]
)
def test_a_car_with_a_contract_of_either_standard(tmp_path, pki, station, namespace):
    from v2g.security.profiles import Generation

    pki20 = tmp_path / "pki20"
    write(pki20, make(Wishes(Generation.ISO20)))
    own = ["--pki", str(pki)] if station == "iso2" else ["--iso20-pki", str(pki20)]
    both = ["--pki", str(pki), "--iso20-pki", str(pki20)]
    with plain_wire() as wire:
        options = ["--once", "--no-slac", "--protocols", station, "--tls", "force", "--plug-and-charge", *own]
        with program(wire.evse, "evse", *options) as charger:
            charger.wait_for("listening on")
            options = ["--no-slac", "--protocols", "iso2,iso20", "--tls", "only", "--contract", *both]
            with program(wire.ev, "pev", "--set", "loop_s=1", *options) as car:
                assert car.end() == (0, ""), car.text
            assert charger.end() == (0, ""), charger.text
    assert namespace in charger.text
    assert "authorisation wanted, Contract" in charger.text


@needs_netns
def test_ctrl_c_in_a_pause_ends_the_car():
    with plain_wire() as wire, program(wire.evse, "evse", "--no-slac") as charger:
        charger.wait_for("listening on")
        wishes = ["--set", "pause_after_s=0.5", "--set", "resume_after_s=1000"]
        with program(wire.ev, "pev", "--no-slac", *wishes) as car:
            car.wait_for(r"^ +[\d.]+  paused$")
            assert car.end(signal.SIGINT) == (0, "")
        assert car.lines[-1].endswith("the paused session is not resumed")
        assert charger.end(signal.SIGINT) == (0, "")


@needs_netns
def test_an_interface_that_is_down(tmp_path):
    with plain_wire() as wire:
        wire.ev.run("ip", "link", "set", wire.ev.interface, "down")
        for command in ("evse", "pev"):
            with program(wire.ev, command, "--no-slac") as started:
                code, complaint = started.end()
            assert code == 2
            assert complaint.startswith(f"v2g {command}: {wire.ev.interface}: the interface is down; ")
            assert complaint.count("\n") == 1


@needs_netns
def test_nobody_reads_the_chargers_log():
    with (
        plain_wire() as wire,
        subprocess.Popen(
            wire.evse.command(*V2G, "evse", "--no-slac", "-i", wire.evse.interface),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        ) as charger,
    ):
        assert "listening on" in charger.stdout.readline()
        charger.stdout.close()
        with program(wire.ev, "pev", "--no-slac", "--set", "loop_s=1") as car:
            assert charger.wait(60) == 0
            assert charger.stderr.read() == ""
            car.process.kill()


def test_a_disk_that_is_full_ends_the_recording_and_not_the_session(tmp_path, monkeypatch):
    from v2g.desk.tape import Tape

    tape = Tape(tmp_path / "own.pcapng", "lo", car=True)
    reasons: list[str] = []
    tape.failed = reasons.append

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    tape.frame(bytes(60), True)
    monkeypatch.setattr("v2g.capture.pcapng.os.write", full)
    tape.frame(bytes(60), True)
    tape.frame(bytes(60), True)
    tape.opened("[fe80::1]:1", "[fe80::2]:2", False)
    tape.closed(by_car=True)
    assert reasons == [f"{tmp_path / 'own.pcapng'}: No space left on device; nothing more is recorded"]
