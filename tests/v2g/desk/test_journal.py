"""The live log: lines that people read, and that tell a terminal nothing."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from tests.v2g.desk.pair import charge
from v2g.common.effects import Log
from v2g.common.terms import LinkWish, Payment
from v2g.desk.journal import Journal
from v2g.evcc import effects as car
from v2g.evcc.facts import ChargerFact
from v2g.sdp import SdpFailed
from v2g.secc import effects as charger
from v2g.secc.facts import EvFact
from v2g.slac import effects as slac


def _lines(*effects: Any) -> list[str]:
    out = io.StringIO()
    journal = Journal("CAR", lambda: 0, out)
    for effect in effects:
        journal.take(effect)
    return [line[11:].strip() for line in out.getvalue().split("\n")[:-1]]


@pytest.mark.parametrize(
    ("effect", "line"),
    [
        (slac.ModemReady(ready=False), "the modem has no key"),
        (slac.SavePower(on=True), "the modem may save power"),
        (slac.SetPilotLoad("C"), "control pilot is to show state C (validation)"),
        (car.Link(LinkWish.TERMINATE), "the data link is to end (D-LINK_TERMINATE)"),
        (charger.Link(LinkWish.PAUSE), "the data link is to be kept for later (D-LINK_PAUSE)"),
        (car.Contactors(True), "contactors are to close"),
        (charger.Contactor(False), "contactor is to open"),
        (car.LockConnector(True), "connector is to be locked"),
        (car.SessionEnded("because", False), "session failed: because"),
        (charger.AuthorizationWanted(Payment.CONTRACT), "authorisation wanted, Contract"),
        (charger.EvTold(EvFact.DC_TARGET, (400.0, 50.0)), "dc_ev_target_voltage_current: 400, 50"),
        (charger.EvTold(EvFact.DC_BULK_COMPLETE, True), "dc_bulk_charging_complete: yes"),
        (car.ChargerTold(ChargerFact.PAYMENTS, (Payment.CONTRACT,)), "payment_options: Contract"),
        (SdpFailed("nobody answered"), "SDP failed: nobody answered"),
    ],
)
def test_effects_in_words(effect: Any, line: str):
    assert _lines(effect) == [line]


def test_what_the_other_side_says_is_one_line_without_escapes():
    evil = "DE*A\x1b[31mRED\nFAKE LINE\r\x9b2J\u202eback\ud800"
    (told,) = _lines(car.ChargerTold(ChargerFact.EVSE_ID, evil))
    assert told == "evse_id: DE*A\\x1b[31mRED\\nFAKE LINE\\r\\x9b2J\\u202eback\\ud800"
    (log,) = _lines(Log(evil))
    assert log.isprintable()


def test_no_line_of_a_whole_session_is_a_python_object():
    for protocol in ("din", "iso2", "iso20"):
        outcome = charge(protocol)
        for text in (outcome.charger_log, outcome.car_log):
            assert text
            odd = re.search(r"\w\(\w+=|<[\w.]+[:.]|\b(True|False)\b|b'", text)
            assert odd is None, text[max(0, odd.start() - 80) : odd.end() + 80]


def test_nobody_reads_any_more():
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    told: list[str] = []
    noticed: list[bool] = []
    journal = Journal("CAR", lambda: 0, Gone(), also=told.append)
    journal.unread = lambda: noticed.append(True)
    journal.line("one")
    journal.line("two")
    assert noticed == [True]
    assert [text[11:] for text in told] == ["one", "two"]
