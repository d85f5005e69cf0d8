"""The public tools of open-plc-utils understand the simulated modems.

They are not part of this repository: OPEN_PLC_UTILS names a folder in which `make` has built them
(github.com/qca/open-plc-utils).
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.v2g.netns import modem_wire, needs_netns
from v2g.homeplug.keys import nid_of
from v2g.homeplug.pib import PibImage
from v2g.net.link import LinkShell
from v2g.net.packet import PacketSocket
from v2g.slac.effects import DLinkReady, Matched
from v2g.slac.ev import EvSlac
from v2g.slac.ev_attempt import EvConfig
from v2g.slac.evse import EvseSlac
from v2g.slac.matching import EvseConfig

FOLDER = Path(os.environ.get("OPEN_PLC_UTILS", "/nonexistent"))
TOOLS = (
    "plc/int6klist",
    "plc/plcstat",
    "plc/plctool",
    "pib/chkpib",
    "pib/psin",
    "pib/psout",
    "slac/pev",
    "slac/evse",
)
_ABSENT = [tool for tool in TOOLS if not (FOLDER / tool).exists()]
pytestmark = [
    needs_netns,
    pytest.mark.skipif(
        bool(_ABSENT),
        reason="OPEN_PLC_UTILS names no folder in which open-plc-utils is built: no " + ", ".join(_ABSENT),
    ),
]
NMK = bytes(range(1, 17))
KEY = NMK.hex(":")
PROFILE = """[default]
{}
network membership key = B59319D7E8157BA001B018669CCEE30D
network identifier = 026BCBA5354E08
settle time = 1
charge time = 1
"""
EVSE = "time to sound = 6\nnumber of sounds = 10\nresponse type = 1\nstation identifier = " + "BB" * 17
PEV = "attenuation threshold = 40\nmsound pause = 20\nvehicle identifier = " + "AA" * 17


@pytest.fixture
def wire():
    with modem_wire() as made:
        yield made


def _tool(station, name, *arguments):
    # A name before an option's value is no device for the tools: the interface goes first.
    return station.run(str(FOLDER / name), "-i", station.interface, *arguments)


def _mac(modem):
    return modem.mac.hex(":").upper()


def _join(wire):
    for station in (wire.ev, wire.evse):
        assert "Setting ..." in _tool(station, "plc/plctool", "-M", "-K", KEY).stderr


def _until(station, name, *arguments, expected):
    # The tools come back after 15 to 50 ms; joining takes 100 ms.
    out = ""
    for _ in range(100):
        done = _tool(station, name, *arguments)
        out = done.stdout
        if re.search(expected, out):
            return out
    raise AssertionError(f"{name} never showed {expected!r}; last: {out}")


def test_int6klist(wire):
    assert _tool(wire.ev, "plc/int6klist").stdout.split() == [_mac(wire.modems[0])]
    _join(wire)
    both = f"{_mac(wire.modems[0])} {_mac(wire.modems[1])}"
    _until(wire.ev, "plc/int6klist", "local", expected=both)


def test_plcstat(wire):
    _join(wire)
    car, charger = map(_mac, wire.modems)
    version = re.escape(wire.modems[0].options.version)
    out = _until(wire.ev, "plc/plcstat", "-t", expected="REM")
    assert re.search(rf"LOC STA 002 {car} [0-9A-F:]{{17}} n/a n/a QCA7000 {version}", out)
    assert re.search(rf"REM CCO 001 {charger} [0-9A-F:]{{17}} 010 010 QCA7000 {version}", out)
    out = _tool(wire.evse, "plc/plcstat", "-m").stdout
    assert f"NID {nid_of(NMK).hex(':').upper()}" in out
    assert f"CCO TEI 001 MAC {charger}" in out
    out = _tool(wire.ev, "plc/plcstat", "-s", "CSMA-ALL", "-d", "both").stdout
    assert re.search(r"TX +[1-9]", out)


def test_plctool_asks(wire):
    car = _mac(wire.modems[0])
    assert f"{car} QCA7000 {wire.modems[0].options.version}" in _tool(wire.ev, "plc/plctool", "-r").stdout
    identity = _tool(wire.ev, "plc/plctool", "-I").stdout
    assert f"MAC {car}" in identity
    assert f"NMK {wire.modems[0].nmk.hex(':').upper()}" in identity
    assert "CCo Never" in identity
    assert "QCA7000-MAC" in _tool(wire.ev, "plc/plctool", "-a").stdout
    assert "Found 0 Network(s)" in _tool(wire.ev, "plc/plctool", "-m").stderr
    assert re.search(r" 0$", _tool(wire.ev, "plc/plctool", "-L").stdout.strip())


def test_plctool_joins_and_leaves(wire):
    assert "Joining ..." in _tool(wire.evse, "plc/plctool", "-B", "join").stderr
    assert "Joining ..." in _tool(wire.ev, "plc/plctool", "-B", "join").stderr
    _until(wire.ev, "plc/plctool", "-m", expected="STATIONS = 1")
    assert "Membership Status 1" in _tool(wire.ev, "plc/plctool", "-B", "status").stderr
    assert "Leaving ..." in _tool(wire.ev, "plc/plctool", "-B", "leave").stderr
    assert "Found 0 Network(s)" in _tool(wire.ev, "plc/plctool", "-m").stderr


def test_parameters_and_prescalers(wire, tmp_path):
    modem = wire.modems[0]
    file = tmp_path / "modem.pib"
    done = _tool(wire.ev, "plc/plctool", "-p", str(file), _mac(modem))
    assert file.read_bytes() == modem.pib.pack(), done.stderr
    checked = subprocess.run([FOLDER / "pib/chkpib", "-v", file], capture_output=True, text=True, check=True)
    assert f"MAC {_mac(modem)}" in checked.stdout
    scalers = "".join(f"{at:08d} {at % 200 if at < 578 else 0:08x}\n" for at in range(1345))
    subprocess.run([FOLDER / "pib/psin", file], input=scalers, text=True, check=True)
    assert PibImage(file.read_bytes()).prescalers == bytes(at % 200 for at in range(578))
    done = _tool(wire.ev, "plc/plctool", "-P", str(file), "-F", _mac(modem))
    assert done.returncode == 0, done.stderr
    assert modem.pib.prescalers == bytes(at % 200 for at in range(578))
    # The other way round: what this project writes, the tools read.
    image = PibImage(file.read_bytes())
    image.scale(-6)
    file.write_bytes(image.pack())
    out = subprocess.run([FOLDER / "pib/psout", file], capture_output=True, text=True, check=True).stdout
    assert bytes(int(line.split()[1], 16) for line in out.splitlines()[:578]) == image.prescalers


def test_reset_and_factory_defaults(wire):
    modem = wire.modems[0]
    before = modem.nmk
    assert "Resetting ..." in _tool(wire.ev, "plc/plctool", "-R").stderr
    _until(wire.ev, "plc/plctool", "-r", expected="QCA7000")
    assert modem.nmk == before
    assert "Restoring ..." in _tool(wire.ev, "plc/plctool", "-T").stderr
    assert modem.nmk != before


def test_pev_and_evse_match(wire, tmp_path):
    for name, text in (("evse", EVSE), ("pev", PEV)):
        (tmp_path / f"{name}.ini").write_text(PROFILE.format(text))
    evse_log = tmp_path / "evse.log"
    with evse_log.open("w") as log:
        arguments = ["-i", wire.evse.interface, "-p", str(tmp_path / "evse.ini"), "-l", "-d"]
        evse = subprocess.Popen(
            wire.evse.command(str(FOLDER / "slac/evse"), *arguments), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            done = _tool(wire.ev, "slac/pev", "-p", str(tmp_path / "pev.ini"), "-d")
        finally:
            evse.terminate()
            evse.wait(30)
    out = done.stdout + done.stderr
    assert done.returncode == 0, out
    assert "Average attenuation (12) less than limit (40) from 58 groups" in out
    assert "<-- CM_SLAC_MATCH.CNF" in out
    text = evse_log.read_text()
    assert text.count("<-- CM_ATTEN_PROFILE.IND") == 10, text
    # The car took the charger's key: they were in one network while it "charged".
    assert "Connecting ..." in text
    nids = {modem.nid.hex() for modem in wire.modems}
    assert "026bcba5354e08" in nids


async def _matched(station, core, pilot_after_s=0.2):
    """Run one of this project's cores at a station until its link is ready; its match."""
    found, ready = [], asyncio.get_running_loop().create_future()

    def watch(effect):
        if isinstance(effect, Matched):
            found.append(effect)
        if isinstance(effect, DLinkReady) and effect.ready and not ready.done():
            ready.set_result(None)

    with station.inside():
        packets = PacketSocket(station.interface)
    shell = LinkShell(packets, core(packets.mac), watch)
    shell.start()
    try:
        asyncio.get_running_loop().call_later(pilot_after_s, shell.pilot, "B")
        await asyncio.wait_for(ready, 40)
    finally:
        await shell.close()
    return found[-1]


def _tool_beside(station, name, *arguments):
    command = station.command(str(FOLDER / name), "-i", station.interface, *arguments)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_pev_matches_with_this_projects_charger(wire, tmp_path):
    # The car stays long enough for the charger to see the link.
    profile = PROFILE.format(PEV).replace("settle time = 1", "settle time = 3")
    (tmp_path / "pev.ini").write_text(profile)
    pev = _tool_beside(wire.ev, "slac/pev", "-p", str(tmp_path / "pev.ini"), "-d")
    try:
        match = asyncio.run(_matched(wire.evse, lambda mac: EvseSlac(EvseConfig(mac), os.urandom)))
    finally:
        out, _ = pev.communicate(timeout=60)
    assert pev.returncode == 0, out
    assert "<-- CM_SLAC_MATCH.CNF" in out
    assert f"NID {match.nid.hex(':').upper()}" in out
    assert nid_of(match.nmk) == match.nid


def test_this_projects_car_matches_with_evse(wire, tmp_path):
    (tmp_path / "evse.ini").write_text(PROFILE.format(EVSE))
    evse = _tool_beside(wire.evse, "slac/evse", "-p", str(tmp_path / "evse.ini"), "-d")
    try:
        match = asyncio.run(_matched(wire.ev, lambda mac: EvSlac(EvConfig(mac), os.urandom), 2.0))
    finally:
        evse.terminate()
        out, _ = evse.communicate(timeout=60)
    assert match.nmk.hex() == "b59319d7e8157ba001b018669ccee30d", out
    assert match.nid.hex() == "026bcba5354e08"
