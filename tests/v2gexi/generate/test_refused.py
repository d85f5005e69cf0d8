"""What the generator does not understand: a line each, with its place, and all of them at once."""

from __future__ import annotations

import pytest

from tests.v2gexi.generate.shown import SCHEMAS, problems, written
from v2gexi.generate.__main__ import main, read_sets
from v2gexi.generate.source import GenerateError


def simple(inside: str) -> str:
    return f'<xs:simpleType name="S">\n{inside}\n</xs:simpleType>'


def content(inside: str) -> str:
    return f'<xs:complexType name="C">\n{inside}\n</xs:complexType>'


def restricted(facet: str, base: str = "string") -> str:
    return simple(f'<xs:restriction base="xs:{base}">{facet}</xs:restriction>')


REFUSED = {
    "xs:list is not supported": simple('<xs:list itemType="xs:int"/>'),
    "xs:union is not supported": simple('<xs:union memberTypes="xs:int xs:string"/>'),
    "xs:pattern changes how EXI writes characters and is not supported": restricted(
        '<xs:pattern value="[A-Z]+"/>'
    ),
    "xs:NMTOKENS is not supported": simple('<xs:restriction base="xs:NMTOKENS"/>'),
    "xs:dateTime is not supported: all built-in types but lists, dates and times,": restricted(
        "", "dateTime"
    ),
    "xs:gMonthDay is not supported": content('<xs:attribute name="a" type="xs:gMonthDay"/>'),
    'xs:maxLength "many" is no integer': restricted('<xs:maxLength value="many"/>'),
    "xs:minInclusive leaves no value: 300 is above 255": restricted(
        '<xs:minInclusive value="300"/>', "unsignedByte"
    ),
    "xs:maxInclusive 18446744073709551616 does not fit 64 bits": restricted(
        '<xs:maxInclusive value="18446744073709551616"/>', "integer"
    ),
    'xs:any namespace="##local" is not supported: "##any" and "##other" are': content(
        '<xs:sequence><xs:any namespace="##local"/></xs:sequence>'
    ),
    'xs:anyAttribute namespace="urn:a urn:b" is not supported': content(
        '<xs:anyAttribute namespace="urn:a urn:b"/>'
    ),
    'element "there" of namespace "urn:t" is not declared': content(
        '<xs:sequence><xs:element ref="there"/></xs:sequence>'
    ),
    'type "Missing" of namespace "urn:t" is not declared': content(
        '<xs:sequence><xs:element name="a" type="Missing"/></xs:sequence>'
    ),
    'group "G" of namespace "urn:t" is not declared': content('<xs:group ref="G"/>'),
    'no namespace is declared for the prefix "q"': content(
        '<xs:sequence><xs:element name="a" type="q:T"/></xs:sequence>'
    ),
    'maxOccurs="some": numbers are allowed, and unbounded': content(
        '<xs:sequence><xs:element name="a" maxOccurs="some"/></xs:sequence>'
    ),
    "minOccurs 3 is above maxOccurs 2": content(
        '<xs:sequence><xs:element name="a" minOccurs="3" maxOccurs="2"/></xs:sequence>'
    ),
    'nillable="true" is not supported': content(
        '<xs:sequence><xs:element name="a" type="xs:int" nillable="true"/></xs:sequence>'
    ),
    'block="substitution" is not supported': content(
        '<xs:sequence><xs:element name="a" type="xs:int" block="substitution"/></xs:sequence>'
    ),
    'base "string" is no complex type': content(
        '<xs:complexContent><xs:extension base="xs:string"/></xs:complexContent>'
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(tmp_path, text: str):
    (line,) = problems(tmp_path, REFUSED[text])
    assert line.startswith("main.xsd:3: ")
    assert text in line


def test_documents_that_are_refused(tmp_path):
    assert problems(tmp_path, '<xs:redefine schemaLocation="x.xsd"/>') == [
        "main.xsd:2: xs:redefine is not supported: xs:include and xs:import are"
    ]
    assert problems(tmp_path, '<xs:include schemaLocation="x.xsd"/>') == [
        'main.xsd:2: "x.xsd" is not there: looked beside the file and in the folder above'
    ]
    assert problems(tmp_path, '<xs:import namespace="urn:u" schemaLocation="o.xsd"/>', o="<a/>") == [
        "o.xsd:1: <a> is no schema: the root has to be xs:schema"
    ]
    other = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:other"/>'
    assert problems(tmp_path, '<xs:import namespace="urn:u" schemaLocation="o.xsd"/>', o=other) == [
        'main.xsd:2: o.xsd declares the namespace "urn:other", not "urn:u"'
    ]
    (line,) = problems(tmp_path, "<xs:element>")
    assert line == "main.xsd:3: mismatched tag"


def test_ambiguous_content(tmp_path):
    twice = '<xs:sequence><xs:element name="a" minOccurs="0"/><xs:element name="a"/></xs:sequence>'
    assert problems(tmp_path, content(twice)) == [
        'main.xsd:2: the content is ambiguous: two places for "a" at once'
    ]


def test_too_many_copies(tmp_path):
    many = '<xs:sequence maxOccurs="3000"><xs:element name="a"/><xs:element name="b"/></xs:sequence>'
    assert problems(tmp_path, content(many)) == [
        "main.xsd:2: the content model is too large: bounds of repeated groups are written out as copies"
    ]


def test_a_bounded_element_needs_no_copies(tmp_path):
    many = '<xs:sequence><xs:element name="a" maxOccurs="65535"/><xs:element name="b"/></xs:sequence>'
    assert problems(tmp_path, content(many)) == []
    assert problems(tmp_path, content(many.replace("65535", "65536"))) == [
        "main.xsd:3: maxOccurs 65536: up to 65535 and unbounded are allowed"
    ]


def test_declared_twice_and_made_from_itself(tmp_path):
    assert problems(tmp_path, '<xs:element name="a"/>\n<xs:element name="a"/>') == [
        'main.xsd:3: "a" is already declared at main.xsd:2'
    ]
    loop = '<xs:complexContent><xs:extension base="C"/></xs:complexContent>'
    assert problems(tmp_path, content(loop)) == ['main.xsd:3: type "C" is made from itself']


def test_an_extension_that_has_lists_where_its_base_has_slots(tmp_path):
    base = '<xs:complexType name="B"><xs:sequence><xs:element name="a"/></xs:sequence></xs:complexType>'
    derived = content(
        '<xs:complexContent><xs:extension base="B"><xs:sequence><xs:any/></xs:sequence></xs:extension>'
        "</xs:complexContent>"
    )
    (line,) = problems(tmp_path, f"{base}\n{derived}")
    assert line.startswith(
        'main.xsd:3: type "C" adds a wildcard, mixed content or a repeated group to a base'
    )


def test_names_that_clash_in_a_class(tmp_path):
    clash = '<xs:sequence><xs:element name="a"/></xs:sequence><xs:attribute name="a"/>'
    assert problems(tmp_path, content(clash)) == [
        'main.xsd:2: type "C" has two places called "a": names have to differ'
    ]


def test_all_problems_at_once(tmp_path):
    body = "\n".join([restricted('<xs:pattern value="a"/>'), content('<xs:group ref="G"/>')])
    lines = problems(tmp_path, body)
    assert [line.split(": ")[0] for line in lines] == ["main.xsd:3", "main.xsd:6"]


def test_the_command_line_tells_them(tmp_path, capsys):
    xsd = written(tmp_path, restricted('<xs:pattern value="a"/>'))
    assert main(["--set", f"t={xsd}", "--set", f"Big={xsd}", "--out", str(tmp_path / "out")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("--set Big=")
    assert lines[1].startswith(f"{xsd}:3: xs:pattern")
    assert not (tmp_path / "out").exists()
    with pytest.raises(GenerateError, match="no such folder or wheel"):
        read_sets(tmp_path / "nothing", [])
    with pytest.raises(GenerateError, match=r"V2G_CI_AppProtocol\.xsd of message set app is not there"):
        read_sets(SCHEMAS, [])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('<xs:element name="a-b"><xs:complexType/></xs:element>', '"a-b" cannot be a name in Python'),
        (
            (
                '<xs:element name="a"><xs:complexType/></xs:element><xs:element name="b" type="a"/>'
                '<xs:complexType name="a"/>'
            ),
            'another type of t is called "a" as well',
        ),
    ],
)
def test_names_that_python_cannot_have(tmp_path, capsys, body: str, text: str):
    xsd = written(tmp_path, body)
    assert main(["--set", f"t={xsd}", "--out", str(tmp_path)]) == 1
    assert text in capsys.readouterr().err
