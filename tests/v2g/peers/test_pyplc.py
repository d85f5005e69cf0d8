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
import contextlib
import os
import time
from pathlib import Path
from typing import Final

import pytest

from tests.v2g.netns import Station, modem_wire, needs_netns
from tests.v2g.peers.outside import Program, ours, program

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


BATTERY: Final = ("--set", "voltage_v=230", "--set", "target_voltage_v=250")
"""Its simulated output needs 5 s and more to get to 380 V, near the 7 s that a car waits."""
FAULTS: Final = (
    "SessionSetupRes: FAILED_SequenceError",
    "CableCheckRes: FAILED",
    "ServiceDiscoveryRes: FAILED_SequenceError",
    "ServicePaymentSelectionRes: FAILED_SequenceError",
    "ContractAuthenticationRes: FAILED_SequenceError",
    "ChargeParameterDiscoveryRes: FAILED_ServiceSelectionInvalid",
    "PreChargeRes: FAILED",
    "PowerDeliveryRes: FAILED",
    "CurrentDemandRes: FAILED",
    "no response to CableCheckReq within V2G_EVCC_Msg_Timeout",
    "no response to PreChargeReq within V2G_EVCC_Msg_Timeout",
    "PreChargeRes has session id",
    "CurrentDemandRes has session id",
    "CurrentDemandRes: FAILED",
    "no response to CurrentDemandReq within V2G_EVCC_Msg_Timeout",
    "",
)
"""Its fault injection: what ends our car's session, case by case. It sends recorded messages of other
sessions: those of a shutdown (cases 12 and 13) are found out by their session id. The last has no fault."""


def _prepare(folder: Path, station: Station, more: dict[str, str]) -> Path:
    """The working folder: it reads ``pyPlc.ini`` there, and calls ``../OpenV2Gx/Release/OpenV2G.exe``."""
    work = folder / "work"
    work.mkdir()
    (folder / "OpenV2Gx").symlink_to(FOLDER / "OpenV2Gx")
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(FOLDER / "pyPLC/doc/pyPlc.ini.template")
    ini["general"].update(SETTINGS | more | {"eth_interface": station.interface})
    (work / "powersupplyInterface_other.py").write_text(POWER_SUPPLY)
    with (work / "pyPlc.ini").open("w") as file:
        ini.write(file)
    return work


def _pyplc(
    folder: Path, station: Station, script: str, **settings: str
) -> contextlib.AbstractContextManager[Program]:
    work = _prepare(folder, station, settings)
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
            "contactor is to close",
            "EVSE [Checkpoint605] PowerDeliveryRes  OK",
            "EVSEPresentVoltage 270 V, EVSEPresentCurrent 10 A",
            "contactor is to open",
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
        with ours(wire.ev, tmp_path, "pev", "--protocols", "din", *BATTERY, "--set", "loop_s=3") as car:
            code = car.wait_end(SESSION_S)
            assert code == 0, car.log + charger.log
            assert car.has(
                "D-LINK_READY (true)",
                "SDP response from",
                "supportedAppProtocolRes  OK_SuccessfulNegotiation",
                "OK, Finished",
                "control pilot is to show state C",
                "contactors are to close",
                "CurrentDemandRes (",
                "stopping: the EV stops",
                "PowerDeliveryRes (2)  OK",
                "contactors are to open",
                "SessionStopRes  OK",
                "session ended:",
            ), car.log
            assert charger.has("cable check is finished and ok", '"msgName": "SessionStopReq"'), charger.log


def test_our_car_withstands_pyplcs_faults(tmp_path: Path):
    with (
        modem_wire() as wire,
        _pyplc(tmp_path, wire.evse, "evseNoGui.py", testsuite_enable="Yes") as charger,
    ):
        charger.wait_for("pyPlcTcpSocket listening")
        time.sleep(READY_S)
        for case, reason in enumerate(FAULTS, 1):
            folder = tmp_path / str(case)
            folder.mkdir()
            with ours(wire.ev, folder, "pev", "--protocols", "din", *BATTERY, "--set", "loop_s=4") as car:
                code = car.wait_end(SESSION_S)
            assert f"Setting up test case {case} " in charger.log, f"case {case}: {car.log}{charger.log}"
            assert code == (1 if reason else 0), f"case {case}: {car.log}"
            assert reason in car.log, f"case {case}: {car.log}"
            assert "Traceback" not in car.log
            for opens, closes in (
                ("contactors are to open", "contactors are to close"),
                ("control pilot is to show state B", "control pilot is to show state C"),
                ("connector is to be unlocked", "connector is to be locked"),
            ):
                assert car.log.rfind(opens) >= car.log.rfind(closes), f"case {case}: {car.log}"
