"""Our car charges at EVerest's libiso15118 (github.com/EVerest/libiso15118), ISO 15118-20.

It is not part of this repository. LIBISO15118 names a program that is a charger of that library::

    PROGRAM INTERFACE SERVICES CONTROL [stop|pause SECONDS]

SERVICES are the numbers of the energy services on offer ("2" is DC, "1,5" is AC in one and in both
directions), CONTROL is "dynamic", "scheduled" or "both"; the charger asks for a stop or a pause SECONDS
after the charge loop began. It is ``iso15118::TbdController`` with these callbacks: authorisation and cable
check are finished after 300 ms, contactors are closed after 50 ms, voltage and current follow what the car
asks for. The environment variable PKI makes it offer nothing but TLS 1.3, by the files in a folder of ``v2g
pki make --iso20``. It writes "ready" when it listens, and the library's log, signals ("signal
DLINK_TERMINATE") included.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.v2g.netns import needs_netns, plain_wire
from tests.v2g.peers.outside import ROOT, Program, ours, program

PROGRAM: Final = Path(os.environ.get("LIBISO15118", "/nonexistent"))
pytestmark = [
    needs_netns,
    pytest.mark.skipif(not PROGRAM.is_file(), reason="LIBISO15118 names no charger built with libiso15118"),
]
SESSION_S: Final = 40.0
CLOSE_S: Final = 10.0
"""It waits 5 s before it closes the connection, and 2 s more."""
DC: Final = ("SessionSetup", "DC_CableCheck", "DC_PreCharge", "PowerDelivery", "DC_ChargeLoop")
AC: Final = ("SessionSetup", "ScheduleExchange", "PowerDelivery", "AC_ChargeLoop")


def _charge(
    folder: Path,
    services: str,
    control: str,
    *arguments: str,
    ask: tuple[str, ...] = (),
    pki: Path | None = None,
) -> tuple[Program, Program]:
    """A session; the charger's log and the car's."""
    environment = {} if pki is None else {"PKI": str(pki)}
    with plain_wire() as wire:
        command = (str(PROGRAM), wire.evse.interface, services, control, *ask)
        with program(wire.evse, folder / "charger.log", *command, environment=environment) as charger:
            charger.wait_for("ready")
            with ours(wire.ev, folder, "pev", "--no-slac", "--protocols", "iso20", *arguments) as car:
                code = car.wait_end(SESSION_S)
                assert code == 0, car.log + charger.log
                charger.wait_for("signal DLINK", CLOSE_S)
    return charger, car


def _good(charger: Program, car: Program, states: tuple[str, ...]) -> None:
    assert charger.has(*(f"-> {state})" for state in states)), charger.log
    assert charger.has("signal CHARGE_LOOP_FINISHED", "signal DLINK_TERMINATE"), charger.log
    assert "error:" not in charger.log
    assert "Sequence" not in charger.log
    assert car.has(
        "SessionSetupRes  OK_NewSessionEstablished",
        "control pilot is to show state C",
        "contactors are to close",
        "PowerDeliveryRes (2)  OK",
        "contactors are to open",
        "SessionStopRes  OK",
        "session ended:",
    ), car.log


@pytest.mark.parametrize("control", ["dynamic", "scheduled"])
@pytest.mark.parametrize(
    ("service", "mode", "more"),
    [
        ("2", "dc", ()),
        ("6", "dc", ("--set", "bidirectional=true")),
        ("8", "mcs", ()),
        ("1", "ac", ()),
        ("5", "ac", ("--set", "bidirectional=true")),
    ],
)
def test_our_car_charges(tmp_path: Path, service: str, mode: str, more: tuple[str, ...], control: str):
    wishes = ("--set", f"mode={mode}", "--set", f"control={control}", "--set", "loop_s=2", *more)
    charger, car = _charge(tmp_path, service, control, *wishes)
    _good(charger, car, AC if mode == "ac" else DC)
    assert "stopping: the EV stops" in car.log


def test_the_charger_asks_to_stop(tmp_path: Path):
    charger, car = _charge(tmp_path, "2", "dynamic", ask=("stop", "1"))
    _good(charger, car, DC)
    assert "stopping: the charger asks to stop" in car.log


def test_tls(tmp_path: Path):
    pki = tmp_path / "pki"
    make = [sys.executable, "-m", "v2g.cli.main", "pki", "make", "--iso20", str(pki)]
    subprocess.run(make, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, check=True, capture_output=True)
    wishes = ("--tls", "only", "--iso20-pki", str(pki), "--set", "loop_s=1")
    charger, car = _charge(tmp_path, "2", "dynamic", *wishes, pki=pki)
    _good(charger, car, DC)
    assert "TLSv1.3 TLS_AES_256_GCM_SHA384" in car.log
