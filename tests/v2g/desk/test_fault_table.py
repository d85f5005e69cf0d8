"""Every fault of the users' table ends as the table says, with the power off."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.v2g.desk.fault_table import CASES, Case, play, row

TABLE: Final = Path(__file__).parents[3] / "docs/reference/v2g-faults.md"


@pytest.mark.spec(354)
@pytest.mark.parametrize("case", CASES, ids=[case.key for case in CASES])
def test_a_fault_ends_as_the_table_says(case: Case):
    outcome = play(case)
    assert outcome.car_result is not None, outcome.car_log
    assert outcome.charger_fine is not None, outcome.charger_log
    assert outcome.power_outside == []
    assert outcome.contactor_closed is not True or case.fault == "contactor_welded"
    assert outcome.contactors_closed is not True or case.fault == "contactors_welded"
    assert row(case, outcome) in TABLE.read_text("utf-8").splitlines()


def test_the_table_has_no_other_lines():
    lines = [line for line in TABLE.read_text("utf-8").splitlines() if line.startswith("| ")]
    assert len(lines) == len(CASES) + 2
