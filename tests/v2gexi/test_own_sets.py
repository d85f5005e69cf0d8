"""Schemas of somebody else, from XSD to bytes: the package made of them writes what EXIficient does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.v2gexi.exificient import Exificient
from tests.v2gexi.generate.shown import SCHEMAS
from tests.v2gexi.own_package import package_with, run_with

SETS: Final = ("kiosk", "maze")
KIOSK: Final = 'xmlns="urn:example:kiosk" xmlns:p="urn:example:payment"'
TICKETS: Final = (
    '<Ticket printed="true"><Zone>-2</Zone><Hours>24</Hours></Ticket>'
    "<Ticket><Zone>2</Zone><Hours>1</Hours></Ticket>"
)
CARD: Final = (
    '<p:BankCard><Amount xmlns="" currency="EUR">4200</Amount><Digits xmlns="">0A1B</Digits>'
    '<Pin xmlns="">7</Pin></p:BankCard>'
)
COMMENTS: Final = "<Comment>x</Comment><Comment>z</Comment>"
ADDRESS: Final = "<Street>x</Street><Street>y</Street><Number>5</Number><Country>CH</Country>"
ZONE: Final = "<Zone>1</Zone><Hours>9</Hours>"
MAZE: Final = """
<BoundedGroup m:mark="u"><b>1</b><b>2</b><a>1</a></BoundedGroup>
<InnerBounds><a>1</a><a>2</a><a>3</a><b>4</b><a>5</a><b>1</b></InnerBounds>
<Loop><c>x</c><a>1.50</a><a>-INF</a><b>true</b><c>y</c><a>-1E100</a><a>0.1</a><c>z</c><a>-0</a></Loop>
<Shared><b>1</b><c>2</c></Shared>
<Runs><b>1</b><b>2</b><b>3</b><c>1</c><c>2</c><c>3</c><d>1</d><d>2</d><d>3</d></Runs>
<Heads><m:Tail>1</m:Tail><m:Head>2</m:Head><End>3</End></Heads>
<AnyOrder><Right>-1</Right><Left>9223372036854775807</Left></AnyOrder>
<Base m:first="1">a<One>1</One>b</Base>
<Less m:first="1">x<One>2</One></Less>
<More>y<Four>1</Four><Three>2</Three></More>
<Plain m:mode="m"><Two>1</Two><Two>2</Two></Plain>
<Plainer><Two>1</Two></Plainer>
<Rate m:unit="kWh">-0.050</Rate>
<SmallCount>4095</SmallCount><Step>10</Step><Fixed>always</Fixed><Single>7</Single><Wide>4096</Wide>
<Positive>18446744073709551616</Positive><Empty/>
"""
MESSAGES: Final = {
    "an order": (
        "kiosk",
        f'<Order {KIOSK} id="a" priority="2">{TICKETS}{CARD}<Delivery>{ADDRESS}</Delivery>{COMMENTS}</Order>',
    ),
    "the least of an order": ("kiosk", f'<Order {KIOSK} id="a">{TICKETS}<Pickup>here</Pickup></Order>'),
    "a decimal": (
        "kiosk",
        f'<SeasonTicket {KIOSK} discount="12.50" printed="0">{ZONE}<Holder>ä€</Holder></SeasonTicket>',
    ),
    "a group that repeats": ("kiosk", f"<Route {KIOSK}><From>a</From><From>b</From><To>a</To></Route>"),
    "mixed content": (
        "kiosk",
        f'<Note {KIOSK} lang="de">a<Bold>b</Bold>c<o:q xmlns:o="urn:o" r="s">d</o:q></Note>',
    ),
    "anything": ("kiosk", f"<Anything {KIOSK}>a<q/></Anything>"),
    "big numbers": (
        "kiosk",
        f"<Pair {KIOSK}><X>-1</X><X>2147483647</X><Y>-99999999999999999999999</Y></Pair>",
    ),
    "a simple root": ("kiosk", f"<Home {KIOSK}>AT</Home>"),
    "floats, a decimal, an enumeration of one word": (
        "maze",
        f'<m:Maze xmlns:m="urn:example:maze">{"".join(MAZE.splitlines())}</m:Maze>',
    ),
}
THERE_AND_BACK: Final = """
import json, sys
import v2gexi
from v2gexi import Message
for line in sys.stdin:
    name, payload = json.loads(line)
    message = v2gexi.decode(bytes.fromhex(payload), name, check=True)
    found = [repr(message)]
    if isinstance(message, Message):
        by_xml = v2gexi.from_xml(v2gexi.to_xml(message), name)
        by_json = v2gexi.from_dict(name, json.loads(json.dumps(message.to_dict())))
        found += [v2gexi.encode(each, name).hex() for each in (message, by_xml, by_json)]
        assert not v2gexi.problems(message)
    print(json.dumps(found))
"""
BY_HAND: Final = """
from decimal import Decimal
import v2gexi
from v2gexi import kiosk
ticket = kiosk.SeasonTicket(Zone=1, Hours=9, Holder="x")
for discount in (Decimal("12.50"), 12.5, 0, Decimal("-0.007"), 1e-7, Decimal("NaN"), 10**20, "1", True):
    ticket.discount = discount
    try:
        print(v2gexi.encode(ticket).hex())
    except v2gexi.EncodeError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a package v2gexi with these message sets is."""
    found = tmp_path_factory.mktemp("own sets")
    package_with(found, **{name: SCHEMAS / f"{name}.xsd" for name in SETS})
    return found


@pytest.fixture(scope="module")
def oracle(exificient: Exificient) -> Exificient:
    """EXIficient with the same sets."""
    for name in SETS:
        exificient.schema(name, SCHEMAS / f"{name}.xsd")
    return exificient


def test_messages_there_and_back(folder: Path, oracle: Exificient) -> None:
    payloads = {what: oracle.encode(*message).must().hex() for what, message in MESSAGES.items()}
    lines = [json.dumps((MESSAGES[what][0], payload)) for what, payload in payloads.items()]
    answers = run_with(folder, THERE_AND_BACK, "\n".join(lines)).splitlines()
    found: dict[str, list[Any]] = dict(zip(MESSAGES, map(json.loads, answers), strict=True))
    assert found.pop("a simple root") == ["'AT'"]
    for what, (shown, *again) in found.items():
        assert not oracle.validate(*MESSAGES[what]), what
        assert again == [payloads[what]] * 3, (what, shown)
    maze = found["floats, a decimal, an enumeration of one word"][0]
    for part in ("a', 1.5)", "-inf", "-1e+100", "Decimal('-0.05')", "Fixed='always'", "Step='10'"):
        assert part in maze
    assert "discount=Decimal('12.5')" in found["a decimal"][0]


def test_decimals_by_hand(folder: Path, oracle: Exificient) -> None:
    written = run_with(folder, BY_HAND).splitlines()
    texts = ("12.50", "12.5", "0", "-0.007", "0.0000001")
    for text, found in zip(texts, written, strict=False):
        xml = f'<SeasonTicket {KIOSK} discount="{text}">{ZONE}<Holder>x</Holder></SeasonTicket>'
        assert found == oracle.encode("kiosk", xml).must().hex(), text
    assert written[len(texts) :] == [
        "SeasonTicket.discount: Decimal('NaN') is a decimal.Decimal, not a number that can be written",
        "SeasonTicket.discount: 100000000000000000000 is a int, not a number that can be written",
        "SeasonTicket.discount: '1' is a str, not a number that can be written",
        "SeasonTicket.discount: True is a bool, not a number that can be written",
    ]
