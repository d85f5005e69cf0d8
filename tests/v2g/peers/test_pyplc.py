"""pyPLC (github.com/uhi22/pyPLC) charges at our charger, and our car at pyPLC, both over SLAC.

It is not part of this repository. PYPLC names a folder, prepared like this::

    git clone https://github.com/uhi22/pyPLC
    git clone https://github.com/uhi22/OpenV2Gx
    make -C OpenV2Gx/Release
    python3 -m venv venv
    venv/bin/pip install pcap-ct pyserial requests
"""

from __future__ import annotations

import configparser
import os
import time
from pathlib import Path
from typing import Final

import pytest

from tests.v2g.netns import Station, modem_wire, needs_netns
from tests.v2g.peers.outside import ours, program

FOLDER: Final = Path(os.environ.get("PYPLC", "/nonexistent"))
NEEDED: Final = ("pyPLC/pevNoGui.py", "pyPLC/evseNoGui.py", "OpenV2Gx/Release/OpenV2G.exe", "venv/bin/python")
_ABSENT = [name for name in NEEDED if not (FOLDER / name).exists()]
pytestmark = [
    needs_netns,
    pytest.mark.skipif(
        bool(_ABSENT), reason="PYPLC names no folder in which pyPLC is built: no " + ", ".join(_ABSENT)
    ),
]

SESSION_S: Final = 120.0
"""It runs a program for every message that it reads or writes, in a loop of 30 ms and more."""
READY_S: Final = 10.0
"""Its charger leaves V2G messages unanswered for the first 264 rounds of its loop (30 ms and some work each),
and says nothing when they are over."""
SETTINGS: Final = {
    "display_via_serial": "no",
    "digital_output_device": "none",
    "analog_input_device": "none",
    "soc_simulation": "yes",
    "evse_simulate_precharge": "yes",
    "udp_syslog_enable": "no",
    "log_the_evse_mac_to_file": "no",
    "evse_printtrace": "true",
}
POWER_SUPPLY: Final = """
class powersupplyInterface:
    volts = 0

    def setVoltage(self, targetVoltage):
        self.volts = targetVoltage

    def readPhysicalVoltage(self):
        return self.volts

    def readPhysicalCurrent(self):
        return 0

    def isPhysicalVoltageMeasurementPossible(self):
        return False

    def selectDriver(self):
        pass

    selectDriverForCableCheck = selectDriverForPrecharge = selectDriver
    selectDriverForCurrentDemand = selectDriverForWeldingDetection = selectDriver
"""
"""A supply that gives what it is told to: its charger measures the voltage of the cable check."""


def _prepare(folder: Path, station: Station) -> Path:
    """The working folder: it reads ``pyPlc.ini`` there, and calls ``../OpenV2Gx/Release/OpenV2G.exe``."""
    work = folder / "work"
    work.mkdir()
    (folder / "OpenV2Gx").symlink_to(FOLDER / "OpenV2Gx")
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(FOLDER / "pyPLC/doc/pyPlc.ini.template")
    ini["general"].update(SETTINGS | {"eth_interface": station.interface})
    (work / "powersupplyInterface_other.py").write_text(POWER_SUPPLY)
    with (work / "pyPlc.ini").open("w") as file:
        ini.write(file)
    return work


def _pyplc(folder: Path, station: Station, script: str):
    work = _prepare(folder, station)
    start = f"import runpy, sys; sys.path[:0] = {[str(work), str(FOLDER / 'pyPLC')]}; "
    start += f"runpy.run_path({str(FOLDER / 'pyPLC' / script)!r}, run_name='__main__')"
    # It gives up if 'ip addr' complains, which it does when other tests make or remove namespaces meanwhile.
    alone = ("sh", "-c", 'mount -t tmpfs tmpfs /run/netns && exec "$@"', "-")
    return program(
        station, folder / "pyplc.log", *alone, str(FOLDER / "venv/bin/python"), "-c", start, cwd=work
    )


def test_pyplcs_car_charges_at_our_charger(tmp_path: Path):
    with (
        modem_wire() as wire,
        ours(wire.evse, tmp_path, "evse", "--protocols", "din", "--once") as charger,
        _pyplc(tmp_path, wire.ev, "pevNoGui.py") as car,
    ):
        code = charger.wait_end(SESSION_S)
        assert code == 0, charger.log + car.log
        assert charger.has(
            "D-LINK_READY (true)",
            "SDP requested NO-TLS",
            "supportedAppProtocolRes  OK_SuccessfulNegotiation",
            "ContractAuthenticationRes (2)  OK, Finished",
            "Contactor(closed=True)",
            "EVSE [Checkpoint605] PowerDeliveryRes  OK",
            "EVSEPresentVoltage 270 V, EVSEPresentCurrent 10 A",
            "Contactor(closed=False)",
            "EVSE [Checkpoint805] PowerDeliveryRes (2)  OK",
            "WeldingDetectionRes  OK",
            "SessionStopRes  OK",
        ), charger.log
        for text in (
            "Checkpoint102: received SLAC_PARAM.CNF",
            "The EVSE says that the CableCheck is finished and ok",
            "Accu is full. Sending PowerDeliveryReq Stop",
        ):
            assert car.has(text), car.log


def test_our_car_charges_at_pyplc(tmp_path: Path):
    with (
        modem_wire() as wire,
        _pyplc(tmp_path, wire.evse, "evseNoGui.py") as charger,
    ):
        charger.wait_for("pyPlcTcpSocket listening")
        time.sleep(READY_S)
        with ours(wire.ev, tmp_path, "pev", "--protocols", "din", "--set", "loop_s=3") as car:
            code = car.wait_end(SESSION_S)
            assert code == 0, car.log + charger.log
            assert car.has(
                "D-LINK_READY (true)",
                "SDP response from",
                "supportedAppProtocolRes  OK_SuccessfulNegotiation",
                "OK, Finished",
                "PilotState(state='C')",
                "Contactors(closed=True)",
                "CurrentDemandRes (2",
                "stopping: the EV stops",
                "PowerDeliveryRes (2)  OK",
                "Contactors(closed=False)",
                "SessionStopRes  OK",
                "ok=True",
            ), car.log
            assert charger.has("cable check is finished and ok", '"msgName": "SessionStopReq"'), charger.log
