"""docs/exi-tables.md: the rows it quotes are in tables.c, and its message is what it says."""

from __future__ import annotations

import re
from pathlib import Path

from tests.v2gexi.generate.walker import Bits

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/exi-tables.md").read_text(encoding="utf-8")
TABLES = (ROOT / "src/v2gexi/c/tables.c").read_text(encoding="utf-8")


def test_quoted_rows_are_in_the_tables():
    quoted = [line for block in re.findall(r"```c\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(quoted) == 13
    rows = set(TABLES.splitlines())
    assert [line for line in quoted if line not in rows] == []


def test_the_message_is_read_as_the_table_says():
    (payload,) = re.findall(r"```text\n((?:[0-9a-f]{2} ?)+)\n```", PAGE)
    bits = Bits(bytes.fromhex(payload))
    steps = re.findall(r"^\| (\d+) \| `([01 ]+)` \|", PAGE, re.MULTILINE)
    for at, shown in steps:
        if bits.at == len(bits.data) * 8:
            # What follows on the page is another message.
            break
        assert bits.at == int(at)
        digits = shown.replace(" ", "")
        assert format(bits.take(len(digits)), f"0{len(digits)}b") == digits
    assert bits.at == len(bits.data) * 8


def test_states_that_the_message_passes_have_the_productions_it_says():
    passed = re.findall(r"^(?:\| [^|]* ){3}\| (\d+): ([^|]*) \|$", PAGE, re.MULTILINE)
    assert len(passed) == 9
    for number, count in passed:
        (row,) = re.findall(
            rf"^    {{\d+, (\d+), [^}}]*}}, /\* {number}(?:: .*)? \*/$", states(), re.MULTILINE
        )
        members = re.match(r"(\d+) members", count)
        assert int(row) == (int(members[1]) + 1 if members else count.count(",") + 1)


def states() -> str:
    return TABLES.partition("v2gexi_state v2gexi_states[]")[2].partition("};")[0]
