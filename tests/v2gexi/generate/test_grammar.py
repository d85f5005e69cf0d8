"""The grammars of other people's schemas, state by state.

A state is shown as number, flags (First, Attributes, Has EE), productions: name>state, @ for attributes, and
for a bounded element |most:state after the most. What EXIficient makes of the same schemas is compared in
test_exificient.py.
"""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.v2gexi.generate.shown import grammar, slots, tables_of, type_named
from v2gexi.generate.source import XSD
from v2gexi.generate.tables import NONE

KIOSK = {
    # attributes sorted, required or not; two to five tickets; a substitution group, sorted, its abstract head
    # included; a choice; without bound
    "Order": """
        0 FA: @id>1
        1 A: @priority>2 Ticket>4|5:3
        2 A: Ticket>4|5:3
        3 -: BankCard>5 Card>5 Cash>5 Payment>5 Pickup>6 Delivery>6
        4 -: Ticket>8|5:7
        5 -: Pickup>6 Delivery>6
        6 H: Comment>6 EE
        7 -: BankCard>5 Card>5 Cash>5 Payment>5 Pickup>6 Delivery>6
        8 -: Ticket>8|5:7 BankCard>5 Card>5 Cash>5 Payment>5 Pickup>6 Delivery>6
        9 -: Ticket>4|5:3
        content 9
    """,
    # a group of two places, one to three times: copies
    "AddressType": """
        0 FA: Street>1
        1 -: Street>2 Number>3 Country>4
        2 -: Street>5 Number>6 Country>4
        3 -: Street>2 Country>4
        4 H: EE
        5 -: Number>7 Country>4
        6 -: Street>5 Country>4
        7 -: Country>4
        8 -: Street>1
        content 8
    """,
    # a group without bound: the order of the schema, not that of what comes next
    "RouteType": """
        0 FAH: From>1 EE
        1 H: From>1 To>2 EE
        2 H: From>1 EE
        content 2
    """,
    # wildcards behind names, characters behind the end
    "NoteType": """
        0 FAH: @lang>1 ANY_ATTR>0 Bold>2 ANY>2 EE MIXED>3
        1 AH: ANY_ATTR>1 Bold>2 ANY>2 EE MIXED>3
        2 H: ANY>2 EE MIXED>2
        3 H: Bold>2 ANY>2 EE MIXED>3
        content 3
    """,
    # exactly two
    "PairType": """
        0 FA: X>2|2:1
        1 H: Y>1|2:3 EE
        2 -: X>2|2:1
        3 H: EE
        content 2
    """,
    # the base's content first, attributes of both sorted
    "SeasonTicketType": """
        0 FA: @discount>1 @printed>2 Zone>3
        1 A: @printed>2 Zone>3
        2 A: Zone>3
        3 -: Hours>4
        4 -: Holder>5
        5 H: EE
        6 -: Zone>3
        content 6
    """,
    # simple content
    "AmountType": """
        0 FA: @currency>1
        1 A: CH>2
        2 H: EE
        3 -: CH>2
        content 3
    """,
    # xs:anyType
    "anyType": """
        0 FAH: ANY_ATTR>0 ANY>1 EE MIXED>1
        1 H: ANY>1 EE MIXED>1
        content 1
    """,
}
MAZE = {
    # copies of a group that may be empty: as many states as there are ways to be in it
    "BoundedGroupType": """
        0 FA: @mark>1
        1 AH: b>2 a>3 EE
        2 H: b>4 a>3 EE
        3 H: b>4 a>5 EE
        4 H: b>6 a>5 EE
        5 H: b>6 a>7 EE
        6 H: a>7 EE
        7 H: EE
        8 H: b>2 a>3 EE
        content 8
    """,
    # a bound inside a repeated group is no counter
    "InnerBoundsType": """
        0 FA: a>1
        1 -: a>2 b>3
        2 -: a>4 b>3
        3 H: a>5 EE
        4 -: b>3
        5 -: a>6 b>7
        6 -: a>8 b>7
        7 H: EE
        8 -: b>7
        9 -: a>1
        content 9
    """,
    # one name in two alternatives
    "SharedType": """
        0 FA: a>1 b>2
        1 H: b>3 EE
        2 H: c>2|2:3 EE
        3 H: EE
        4 -: a>1 b>2
        content 4
    """,
    # up to four, three or four, three, two or more: 3, 6, 9 are "no more b", each beside a state that counts
    "RunsType": """
        0 FA: a>2|4:1 b>4|4:3
        1 -: b>4|4:3
        2 -: a>2|4:1 b>4|4:3
        3 -: c>3|3:5
        4 -: b>7|4:6
        5 -: d>8
        6 -: c>3|3:5
        7 -: b>10|4:9
        8 -: d>11
        9 -: c>3|3:5
        10 -: b>10|4:9 c>3|3:5
        11 H: d>11 EE
        content 2
    """,
    # bounded places of a substitution group: copies, as its members share the bound
    "HeadsType": """
        0 FA: Head>1 Tail>1
        1 -: Head>2 Tail>2 End>3
        2 -: Head>4 Tail>4 End>3
        3 H: EE
        4 -: End>3
        5 -: Head>1 Tail>1
        content 5
    """,
    "AnyOrderType": """
        0 FAH: Left>1 Right>1 Up>1 EE
        1 H: Left>1 Right>1 Up>1 EE
        content 1
    """,
    "LessType": """
        0 FA: @first>1
        1 A: One>2 MIXED>3
        2 H: EE MIXED>2
        3 -: One>2 MIXED>3
        content 3
    """,
    "Empty": """
        0 FAH: EE
        1 H: EE
        content 1
    """,
}


@pytest.mark.parametrize(
    ("schema", "name", "states"),
    [("kiosk", *item) for item in KIOSK.items()] + [("maze", *item) for item in MAZE.items()],
)
def test_states(schema: str, name: str, states: str):
    assert grammar(tables_of(schema), name) == dedent(states).strip()


def test_slots():
    kiosk, maze = tables_of("kiosk"), tables_of("maze")
    assert slots(kiosk, "Order") == [
        "id 1..1 REQUIRED ATTRIBUTE",
        "priority 0..1 ATTRIBUTE",
        "Ticket 2..5 LIST REQUIRED",
        "Payment 0..1 GROUP",
        "Pickup 0..1",
        "Delivery 0..1",
        "Comment 0..* LIST",
    ]
    assert slots(kiosk, "AmountType") == ["currency 1..1 REQUIRED ATTRIBUTE", "value 1..1 REQUIRED TEXT"]
    assert slots(maze, "SharedType") == ["a 0..1", "b 0..1", "c 0..2 LIST"]
    # A restriction has the slots of its base, as a subclass must; a list stays one.
    assert slots(maze, "PlainType") == ["mode 0..1 ATTRIBUTE", "One 0..1", "Two 0..2 LIST"]
    assert slots(maze, "PlainerType") == ["mode 0..1 ATTRIBUTE", "One 0..1", "Two 1..2 LIST REQUIRED"]
    assert slots(maze, "LessType")[0] == "first 1..1 REQUIRED ATTRIBUTE"


def test_where_order_matters_the_content_is_one_list():
    kiosk, maze = tables_of("kiosk"), tables_of("maze")
    ordered = {row.name[1] for tables in (kiosk, maze) for row in tables.types if "ORDERED" in row.flags}
    assert ordered == {
        *("AddressType", "RouteType", "NoteType", "anyType"),
        *(
            "BoundedGroupType",
            "InnerBoundsType",
            "LoopType",
            "AnyOrderType",
            "BaseType",
            "LessType",
            "MoreType",
        ),
        "HeadsType",  # strings do not say which member of the group they are
    }
    assert slots(kiosk, "NoteType") == ["lang 0..1 ATTRIBUTE", "content 0..* CONTENT"]


def test_types_know_their_base_and_flags():
    kiosk = tables_of("kiosk")
    payment, cash, order = (type_named(kiosk, name) for name in ("PaymentType", "Cash", "Order"))
    assert kiosk.types[cash.base] is payment
    assert payment.flags == ("ABSTRACT",)
    assert order.flags == ("ANONYMOUS",)
    assert order.base == NONE
    assert "ANY" in type_named(kiosk, "anyType").flags


@pytest.mark.parametrize(
    ("schema", "name", "kind", "low", "high", "bits"),
    [
        ("kiosk", "LevelType", "NBIT", -2, 2, 3),
        ("kiosk", "Hours", "NBIT", 1, 24, 5),
        ("kiosk", "unsignedByte", "NBIT", 0, 255, 8),
        ("kiosk", "unsignedShort", "UNSIGNED", 0, 65535, 0),
        ("kiosk", "int", "INTEGER", -(2**31), 2**31 - 1, 0),
        ("kiosk", "integer", "BIG", -(2**63), 2**63 - 1, 0),
        ("maze", "positiveInteger", "BIG", 1, 2**64 - 1, 0),
        ("maze", "OneType", "NBIT", 7, 7, 0),
        ("maze", "WideType", "UNSIGNED", 0, 4096, 0),
        ("maze", "SmallCountType", "NBIT", 0, 4095, 12),
    ],
)
def test_integers(schema: str, name: str, kind: str, low: int, high: int, bits: int):
    value = type_named(tables_of(schema), name).value
    assert value is not None
    assert (value.kind, value.min, value.max, value.bits) == (kind, low, high, bits)


def test_enumerations_are_inherited_and_take_the_bits_they_need():
    expected = {
        ("kiosk", "HomeCountryType"): (("AT", "CH", "DE"), 2),
        ("maze", "FixedType"): (("always",), 0),
        ("maze", "StepType"): (("1", "10"), 1),
    }
    for (schema, name), (values, bits) in expected.items():
        value = type_named(tables_of(schema), name).value
        assert value is not None
        assert (value.kind, value.enumeration, value.bits) == ("ENUM", values, bits)


def test_what_the_string_table_starts_with():
    (kiosk,) = tables_of("kiosk").sets
    uris = [uri for uri, _ in kiosk.partitions]
    assert uris == [
        "",
        "http://www.w3.org/XML/1998/namespace",
        "http://www.w3.org/2001/XMLSchema-instance",
        XSD,
        "urn:example:kiosk",
        "urn:example:payment",
    ]
    names = {uri: [local for _, local in names] for uri, names in kiosk.partitions}
    # Local elements of payment.xsd and all attributes are unqualified.
    unqualified = ["Amount", "Digits", "Pin", "currency", "discount", "id", "lang", "printed", "priority"]
    assert names[""] == unqualified
    assert names[uris[1]] == ["base", "id", "lang", "space"]
    assert names[uris[2]] == ["nil", "type"]
    assert len(names[XSD]) == 46
    assert names["urn:example:payment"] == [
        *("AmountType", "BankCard", "Card", "CardType", "Cash", "Payment", "PaymentType"),
    ]


def test_roots_and_fragments():
    kiosk = tables_of("kiosk")
    (row,) = kiosk.sets
    roots = [kiosk.particles[number].name[1] for number in row.roots]
    assert roots == [
        *("Anything", "BankCard", "Card", "Cash", "Home", "Note", "Order", "Pair", "Payment", "Route"),
        "SeasonTicket",
    ]
    names = [kiosk.particles[number].name for number in row.fragments]
    assert names == sorted(names, key=lambda name: (name[1], name[0]))
    assert ("urn:example:kiosk", "Zone") in names
    assert len(names) == len(set(names))


def test_a_fragment_of_several_types_has_none(tmp_path):
    from tests.v2gexi.generate.shown import written
    from v2gexi.generate.__main__ import read_sets
    from v2gexi.generate.tables import Tables

    main = written(
        tmp_path,
        '<xs:element name="a"><xs:complexType><xs:sequence><xs:element name="x" type="xs:int"/>'
        '</xs:sequence></xs:complexType></xs:element><xs:element name="b"><xs:complexType><xs:sequence>'
        '<xs:element name="x" type="xs:string"/><xs:element name="y" type="xs:string"/></xs:sequence>'
        "</xs:complexType></xs:element>",
    )
    tables = Tables(read_sets(None, [f"t={main}"]))
    (row,) = tables.sets
    found = [tables.particles[n] for n in row.fragments]
    assert [(each.name[1], each.type == NONE) for each in found] == [
        *(("a", False), ("b", False), ("x", True), ("y", False)),
    ]
