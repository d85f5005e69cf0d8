"""JSON payloads of guide 15.5 and 15.7 as numbers, schedules and meter readings, and back."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from chargectl.declarations.types import JsonValue
from v2g.common.terms import EnergyMode
from v2g.secc.schedule import DAY_S, Period, Schedule
from v2g.secc.station import MeterReading

MULTIPLIER: Final = (-3, 3)
VALUE: Final = (-(2**15), 2**15 - 1)
UNIT: Final = (0, 6)
TUPLE_ID: Final = (1, 255)
START_S: Final = (0, 16_777_214)
MOST_PERIODS: Final = 1024
"""PMaxScheduleEntry elements in a schedule (schema of ISO 15118-2)."""
MOST_SERVICES: Final = 5
_EXTERNAL_PAYMENT: Final = 1
_CHARGE_SERVICE: Final = 1
_AC_MODES: Final = {0: EnergyMode.AC_SINGLE_PHASE, 1: EnergyMode.AC_THREE_PHASE}


class ValueRefusedError(ValueError):
    """A payload that the topic does not allow; the text says what is."""


def _object(
    value: JsonValue, needed: tuple[str, ...], optional: tuple[str, ...], shape: str
) -> dict[str, Any]:
    known = isinstance(value, dict) and set(needed) <= set(value) <= {*needed, *optional}
    if not isinstance(value, dict) or not known:
        raise ValueRefusedError(f"an object {shape}")
    return value


def _integer(fields: Mapping[str, Any], name: str, bounds: tuple[int, int]) -> int:
    return _checked(fields[name], name, bounds)


def _checked(value: object, name: str, bounds: tuple[int, int]) -> int:
    if type(value) is not int or not bounds[0] <= value <= bounds[1]:
        raise ValueRefusedError(f"{name} from {bounds[0]} to {bounds[1]}, an integer")
    return value


def _integers(fields: Mapping[str, Any], name: str, bounds: tuple[int, int]) -> list[int]:
    values = fields[name]
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_PERIODS:
        raise ValueRefusedError(f"{name} as a list of 1 to {MOST_PERIODS} integers")
    return [_checked(value, f"each of {name}", bounds) for value in values]


def physical(value: JsonValue) -> float:
    """The number of a physical value (guide Table 69). Raises ValueRefusedError."""
    shape = '{"Multiplier": -3..3, "Value": -32768..32767} with an optional "Unit": 0..6'
    fields = _object(value, ("Multiplier", "Value"), ("Unit",), shape)
    if "Unit" in fields:
        _integer(fields, "Unit", UNIT)
    multiplier = _integer(fields, "Multiplier", MULTIPLIER)
    number = _integer(fields, "Value", VALUE)
    # Divided, not multiplied by 0.1: 325 tenths are 32.5 exactly.
    return float(number * 10**multiplier) if multiplier >= 0 else number / float(10**-multiplier)


def physical_value(number: float) -> dict[str, JsonValue]:
    """A number as a physical value, as exactly as it can be written; too large a one becomes the largest.

    The units of currents, voltages and energies are fixed and not written (guide 15.7).
    """
    if VALUE[0] <= number <= VALUE[1] and float(number).is_integer():
        return {"Multiplier": 0, "Value": int(number)}
    for multiplier in range(MULTIPLIER[0], MULTIPLIER[1] + 1):
        value = round(number / 10.0**multiplier)
        if VALUE[0] <= value <= VALUE[1]:
            return {"Multiplier": multiplier, "Value": value}
    return {"Multiplier": MULTIPLIER[1], "Value": VALUE[1] if number > 0 else VALUE[0]}


def schedules(value: JsonValue) -> tuple[Schedule, ...]:
    """A schedule list (guide Table 62); an empty object or list takes it back. Raises ValueRefusedError."""
    if value in ({}, []):
        return ()
    shape = (
        '{"SAScheduleTupled": int, "Start": [s, ...], "Duration": s, "PMax": [W, ...],'
        ' "PMaxMultiplier": [...]}'
    )
    if isinstance(value, dict) and "SAScheduleTupleID" in value and "SAScheduleTupled" not in value:
        value = dict(value)
        value["SAScheduleTupled"] = value.pop("SAScheduleTupleID")
    fields = _object(value, ("SAScheduleTupled", "Start", "Duration", "PMax", "PMaxMultiplier"), (), shape)
    starts = _integers(fields, "Start", START_S)
    powers = _integers(fields, "PMax", (0, VALUE[1]))
    multipliers = _integers(fields, "PMaxMultiplier", MULTIPLIER)
    if not len(starts) == len(powers) == len(multipliers):
        raise ValueRefusedError("Start, PMax and PMaxMultiplier of the same length")
    if starts[0] != 0 or any(second <= first for first, second in pairwise(starts)):
        raise ValueRefusedError("Start beginning with 0 and rising")
    periods = tuple(
        Period(start, power * 10.0**multiplier)
        for start, power, multiplier in zip(starts, powers, multipliers, strict=True)
    )
    # As in ISO 15118-2: the duration is that of the last entry.
    end = starts[-1] + _integer(fields, "Duration", (1, DAY_S))
    return (Schedule(_integer(fields, "SAScheduleTupled", TUPLE_ID), periods, end),)


def payment_options(value: JsonValue) -> None:
    """Payment options: the only one that is supported. Raises ValueRefusedError."""
    fields = _object(
        value, ("PaymentOption0",), (), '{"PaymentOption0": 1}: only ExternalPayment is supported'
    )
    if fields["PaymentOption0"] is True or fields["PaymentOption0"] != _EXTERNAL_PAYMENT:
        raise ValueRefusedError('{"PaymentOption0": 1}: only ExternalPayment is supported')


def charge_service(value: JsonValue) -> tuple[bool, tuple[EnergyMode, ...]]:
    """Whether charging is free, and the energy transfer modes (none: those of the installation).

    Raises ValueRefusedError.
    """
    modes = tuple(f"SupportedEnergyTransferType{index}" for index in range(MOST_SERVICES))
    optional = ("ServiceID", "ServiceName", "ServiceCategory", "ServiceScope", "FreeService", *modes)
    shape = '{"ServiceID": 1, "FreeService": true | false, "SupportedEnergyTransferType0": 0 | 1, ...}'
    fields = _object(value, (), optional, shape)
    if "ServiceID" in fields:
        _integer(fields, "ServiceID", (_CHARGE_SERVICE, _CHARGE_SERVICE))
    if "ServiceCategory" in fields:
        _integer(fields, "ServiceCategory", (0, 0))
    for name in ("ServiceName", "ServiceScope"):
        if name in fields and not isinstance(fields[name], str):
            raise ValueRefusedError(f"{name} as a text")
    free = fields.get("FreeService", False)
    if not isinstance(free, bool) and free not in (0, 1):
        raise ValueRefusedError("FreeService true or false")
    found = []
    for name in modes:
        if name in fields:
            mode = _AC_MODES[_integer(fields, name, (0, 1))]
            if mode not in found:
                found.append(mode)
    return bool(free), tuple(found)


def meter_reading(value: JsonValue) -> MeterReading:
    """A meter's reading, by the names of ISO 15118-2. Raises ValueRefusedError."""
    shape = '{"MeterID": text, "MeterReading": Wh} with an optional "MeterStatus" and "TMeter" (s since 1970)'
    fields = _object(value, ("MeterID", "MeterReading"), ("MeterStatus", "TMeter"), shape)
    name = fields["MeterID"]
    if not isinstance(name, str) or not 1 <= len(name) <= 32:
        raise ValueRefusedError("MeterID of 1 to 32 characters")
    status = _integer(fields, "MeterStatus", VALUE) if "MeterStatus" in fields else None
    unix_s = _integer(fields, "TMeter", (0, 2**63 - 1)) if "TMeter" in fields else None
    reading = _integer(fields, "MeterReading", (0, 2**63 - 1))
    return MeterReading(name, reading, status=status, unix_s=unix_s)
