"""Both slots and how updates went, as text and as JSON. Pure: what was found out in, text out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chargectl.declarations.types import JsonValue
from chargectl.system.rauc import Slot
from chargectl.system.slot_release import EMPTY
from chargectl.update.record import Phase, Record

UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found out. Empty or None: not known.

    ``booted`` is the boot name of the running slot, ``primary`` the name of the slot that is tried first at
    the next start, ``version`` that of the running image. ``found`` is, by boot name, what the slots say of
    themselves (:mod:`chargectl.system.slot_release`) where RAUC knows no version.
    """

    booted: str = ""
    primary: str = ""
    compatible: str = ""
    version: str = ""
    installing: bool = False
    slots: tuple[Slot, ...] = ()
    found: Mapping[str, str | None] = field(default_factory=dict)
    tries_left: Mapping[str, int] = field(default_factory=dict)
    rollback: str | None = None
    record: Record | None = None


def as_json(report: Report) -> JsonValue:
    """The report for programs; the how-to on updates says what each member means."""
    record = report.record
    return {
        "booted": report.booted or None,
        "primary": _bootname(report, report.primary) or None,
        "compatible": report.compatible or None,
        "installing": report.installing,
        "slots": [
            {
                "slot": slot.bootname,
                "name": slot.name,
                "device": slot.device,
                "booted": slot.bootname == report.booted,
                "boot_status": slot.boot_status or None,
                "tries_left": report.tries_left.get(slot.bootname),
                "version": _version(report, slot) or None,
                "installed_at": slot.installed_at or None,
                "activated_at": slot.activated_at or None,
            }
            for slot in report.slots
        ],
        "rollback": report.rollback,
        "last_update": None
        if record is None
        else {
            "url": record.request.shown_url,
            "asked_by": record.request.origin.value,
            "state": record.state,
            "trial": record.trial,
            "max_trials": record.request.max_trials,
            "result": record.result,
            "message": record.message,
        },
    }


def lines(report: Report) -> list[str]:
    """The report for people: what runs and what comes next, the slots as a table, then what went wrong."""
    found = [f"running   {_named(report, report.booted)}"]
    if report.installing:
        found.append("now       an update is being installed; RAUC tells of the slots when it is done")
    if report.slots:
        following = _bootname(report, report.primary)
        same = following == report.booted
        found.append(f"next      {'the same' if same else _named(report, following)}")
        found += ["", *_table(report)]
    rest = []
    if report.rollback:
        rest.append(f"rollback  {report.rollback}")
    if report.record is not None and report.record.phase is not Phase.IDLE:
        rest.append(f"update    {_update(report.record)}")
    return [*found, *([""] if report.slots and rest else []), *rest]


def _table(report: Report) -> list[str]:
    rows = [("slot", "state", "bootable", "tries left", "version", "installed")]
    for slot in report.slots:
        left = report.tries_left.get(slot.bootname)
        rows.append(
            (
                slot.bootname or slot.name,
                "running" if slot.bootname == report.booted else "inactive",
                {"good": "yes", "bad": "no"}.get(slot.boot_status, UNKNOWN),
                "-" if left is None else str(left),
                _version(report, slot) or _instead(report, slot),
                slot.installed_at or "-",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _update(record: Record) -> str:
    request = record.request
    text = f"{request.shown_url}: {record.state}"
    if record.phase.under_way:
        text += f", trial {record.trial} of {request.max_trials}"
    if record.message:
        text += f": {record.message}"
    return text


def _bootname(report: Report, name: str) -> str:
    return next((slot.bootname for slot in report.slots if slot.name == name), "")


def _version(report: Report, slot: Slot) -> str:
    # RAUC knows what it has installed itself; a slot that was flashed it does not.
    noted = slot.version or report.found.get(slot.bootname) or ""
    return report.version or noted if slot.bootname == report.booted else noted


def _instead(report: Report, slot: Slot) -> str:
    if not slot.complete:
        return "incomplete"
    return "empty" if report.found.get(slot.bootname) == EMPTY else UNKNOWN


def _named(report: Report, bootname: str) -> str:
    slot = next((slot for slot in report.slots if slot.bootname == bootname), None)
    version = report.version if slot is None else _version(report, slot)
    where = f"slot {bootname}" if bootname else "no slot"
    return f"{where}, version {version or UNKNOWN}"
