"""A contactor of AC that is closed before it was wanted closed: welded, or nobody's news."""

from __future__ import annotations

import pytest

from tests.v2g.secc.iso20 import requests as ev
from v2g.common.effects import Log
from v2g.secc import effects

START = ev.power("Start", ev.profile(True))


@pytest.mark.spec(360)
@pytest.mark.parametrize("pilot", ["B", "C"])
def test_a_contactor_that_is_closed_already(pilot: str) -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForPowerDelivery")
    rig.changed(pilot=pilot, contactor_closed=True)
    assert rig.ask(START).ResponseCode == "FAILED_ContactorError"
    assert Log("the contactor is closed before it is to close") in rig.last
    assert not rig.of(effects.Contactor)


def test_one_that_closes_while_the_ev_waits_for_its_answer_is_fine() -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForPowerDelivery")
    rig.changed(pilot="C", contactor_closed=False)
    assert rig.ask(START) is None
    rig.changed(contactor_closed=True)
    assert rig.answer().ResponseCode == "OK"
    assert rig.state == "ChargeLoop"


def test_one_that_welds_in_a_first_round_of_services_is_found_before_the_second() -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForSessionStop")
    assert rig.ask(ev.stop("ServiceRenegotiation")).ResponseCode == "OK"
    ev.walk(rig, "WaitForPowerDelivery")
    rig.changed(pilot="C", contactor_closed=True)
    assert rig.ask(START).ResponseCode == "FAILED_ContactorError"
    assert not rig.closed
