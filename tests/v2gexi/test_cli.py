"""The command: every format in and out, captures, errors, exit codes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import v2gexi
from tests.v2gexi import vectors, wire
from v2gexi import cli, cli_read, cli_write, iso20_acdp, schema, v2gtp

SOURCES = Path(v2gexi.__file__).parents[1]
DATA = Path(__file__).with_name("data")
ABB = str(DATA / "2022-11-25_v0.2_ABB_until_ChargeParamDiscovery.pcapng")
REQUEST = "8000dbab9371d3234b71d1b981899189d191818991d26b9b3a232b30020000040040"
MESSAGE = v2gexi.decode(bytes.fromhex(REQUEST), "app")
DIN = next(v for v in vectors.load() if v.message_set == "din" and not v.error and not v.unread)


class Stream(io.TextIOWrapper):
    """A standard stream whose bytes can be looked at."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = io.BytesIO(content)
        super().__init__(self.content, "utf-8", write_through=True)


@pytest.fixture
def run(monkeypatch):
    """Run the command: its exit code, output (bytes and text) and error lines."""

    def call(*arguments: str, stdin: bytes = b"") -> SimpleNamespace:
        streams = {"stdin": Stream(stdin), "stdout": Stream(), "stderr": Stream()}
        for name, stream in streams.items():
            monkeypatch.setattr(sys, name, stream)
        try:
            code: object = cli.main(arguments)
        except SystemExit as end:
            code = end.code
        data, errors = (streams[name].content.getvalue() for name in ("stdout", "stderr"))
        text = data.decode("utf-8", "replace")
        return SimpleNamespace(code=code, data=data, text=text, errors=errors.decode().splitlines())

    return call


def test_decode_to_each_format(run):
    assert run("decode", REQUEST).text == v2gexi.to_xml(MESSAGE, indent=2) + "\n"
    assert json.loads(run("decode", REQUEST, "--to", "json").text) == v2gexi.to_dict(MESSAGE)
    line = json.loads(run("decode", REQUEST, "--to", "jsonl").text)
    assert line == {"set": "app", "message": v2gexi.to_dict(MESSAGE)}
    assert run("decode", REQUEST, "--to", "repr").text == f"{MESSAGE!r}\n"
    assert run("decode", REQUEST, "--to", "brief").text == "argument:1  app  supportedAppProtocolReq\n"
    assert run("decode", REQUEST, "--to", "hex").text == f"{REQUEST}\n"
    assert run("decode", REQUEST, "--to", "binary").data == bytes.fromhex(REQUEST)
    framed = v2gtp.pack(bytes.fromhex(REQUEST))
    assert run("decode", REQUEST, "--to", "binary", "--frame").data == framed


@pytest.mark.parametrize(
    "given",
    [
        REQUEST.encode(),
        b"# comment\n\n  80 00:" + REQUEST[4:].upper().encode() + b" # more",
        b"0x" + REQUEST.encode(),
        bytes.fromhex(REQUEST),
        v2gtp.pack(bytes.fromhex(REQUEST)),
        v2gtp.pack(bytes.fromhex(REQUEST)).hex().encode(),
        v2gexi.to_xml(MESSAGE).encode(),
        b"\xef\xbb\xbf" + v2gexi.to_xml(MESSAGE).encode(),
        json.dumps(v2gexi.to_dict(MESSAGE)).encode(),
        json.dumps([{"set": "app", "message": v2gexi.to_dict(MESSAGE)}]).encode(),
        b"\n" + json.dumps({"set": "app", "message": v2gexi.to_dict(MESSAGE)}).encode() + b"\n",
        wire.pcap([wire.tcp(v2gtp.pack(bytes.fromhex(REQUEST)), 1)]),
    ],
    ids=["hex", "spaced", "0x", "binary", "frame", "framehex", "xml", "bom", "json", "list", "jsonl", "pcap"],
)
def test_every_input_is_recognised(run, tmp_path, given):
    (tmp_path / "input").write_bytes(given)
    for call in (
        lambda: run("convert", "--to", "hex", stdin=given),
        lambda: run("convert", str(tmp_path / "input"), "--to", "hex"),
    ):
        found = call()
        assert (found.code, found.text, found.errors) == (0, f"{REQUEST}\n", [])


def test_encode_options(run):
    text = v2gexi.to_xml(MESSAGE)
    assert run("encode", text).text == f"{REQUEST}\n"
    twice = text.replace(
        "</appprotocol", text[text.index("<AppProtocol>") : text.index("</appprotocol")] + "</appprotocol"
    )
    assert len(run("encode", twice, "--literal").text) > len(run("encode", twice).text)
    wrong = text.replace("MsgDef", "M" * 100)
    found = run("encode", wrong)
    assert (found.code, found.text) == (1, "")
    assert found.errors == [
        (
            "v2gexi: argument: supportedAppProtocolReq.AppProtocol[0].ProtocolNamespace:"
            " 119 characters are more than 100"
        )
    ]
    assert run("encode", wrong, "--lenient").code == 0


def test_fragments(run):
    message = next(
        v2gexi.decode(v.payload, "iso2")
        for v in vectors.load()
        if v.message_set == "iso2" and "SignedInfo" in v.xml
    )
    info = message.Header.Signature.SignedInfo
    fragment = v2gexi.encode(info, "iso2", fragment=True)
    found = run("encode", v2gexi.to_xml(info), "--fragment", "--set", "iso2")
    assert found.text == fragment.hex() + "\n"
    assert (
        run("decode", fragment.hex(), "--fragment", "--set", "iso2").text
        == v2gexi.to_xml(info, indent=2) + "\n"
    )
    found = run("decode", fragment.hex(), "--fragment")
    assert (found.code, found.errors) == (
        2,
        ["v2gexi: a fragment does not tell its message set: --set is needed"],
    )


def test_the_root_of_a_type_that_two_elements_have(run):
    header = iso20_acdp.MessageHeaderType(SessionID=bytes(8), TimeStamp=0)
    message = iso20_acdp.ACDP_ConnectReqType(Header=header, EVElectricalChargingDeviceStatus="State_A")
    payload = v2gexi.encode(message, element="ACDP_DisconnectReq").hex()
    text = run("decode", payload).text
    assert text.startswith("<acdp:ACDP_DisconnectReq")
    assert run("encode", stdin=text.encode()).text == f"{payload}\n"
    data = run("decode", payload, "--to", "json").text
    assert run("encode", stdin=data.encode()).text == f"{payload}\n"
    assert run("encode", "--element", "ACDP_ConnectReq", stdin=data.encode()).text != f"{payload}\n"


def test_a_capture(run):
    lines = run("decode", ABB, "--to", "brief").text.splitlines()
    assert len(lines) == 11
    assert lines[0] == (
        "2022-11-25T10:23:34.865499Z  packet 379  car > station  offset 0  sdp  SECCDiscoveryReq"
        '  {"Security": "none", "TransportProtocol": "TCP"}'
    )
    assert (
        lines[5]
        == "2022-11-25T10:23:40.961606Z  packet 451  station > car  offset 12  din  SessionSetupRes OK"
    )
    found = run("decode", ABB, "--to", "jsonl")
    entries = [json.loads(line) for line in found.text.splitlines()]
    assert (found.code, [entry["set"] for entry in entries]) == (0, ["sdp"] * 2 + ["app"] * 2 + ["din"] * 7)
    assert {key: entries[4][key] for key in ("time", "packet", "direction", "offset", "payload_type")} == {
        "time": "2022-11-25T10:23:40.945817Z",
        "packet": 450,
        "direction": "car",
        "offset": 42,
        "payload_type": "0x8001",
    }
    payloads = run("decode", ABB, "--to", "hex").text
    assert len(payloads.splitlines()) == 9
    assert run("encode", stdin=found.text.encode()).text == payloads
    assert run("encode", stdin=run("decode", ABB, "--to", "json").data).text == payloads
    assert run("decode", ABB).text.count("<!-- 2022-") == 11


def test_an_undecodable_frame_in_a_capture_is_shown_and_not_fatal(run, tmp_path):
    good, bad = v2gtp.pack(bytes.fromhex(REQUEST)), v2gtp.pack(b"\x80\xff\xff")
    file = tmp_path / "x.pcap"
    file.write_bytes(wire.pcap([wire.tcp(flags=wire.SYN), wire.tcp(good + bad + good, 1)]))
    for form in ("brief", "xml", "jsonl", "repr"):
        found = run("decode", str(file), "--to", form)
        assert found.code == 1
        assert found.text.count("no message set decodes it") == 1
        assert found.text.count("supportedAppProtocolReq") >= 2
        assert found.errors == []
    found = run("decode", str(file), "--to", "hex")
    assert (found.code, found.text) == (1, f"{REQUEST}\n{REQUEST}\n")
    (line,) = found.errors
    assert line.startswith(f"v2gexi: {file}:114: packet 2: no message set decodes it; as ")


def test_a_damaged_capture(run, tmp_path):
    file = tmp_path / "cut.pcapng"
    file.write_bytes(Path(ABB).read_bytes()[:-40])
    found = run("decode", str(file), "--to", "brief")
    assert (found.code, len(found.text.splitlines())) == (1, 11)
    assert found.errors == [f"v2gexi: {file}:95180: the file ends within a block"]


def test_a_guess_is_said_and_overridden(run):
    found = run("decode", DIN.payload.hex(), "--to", "brief")
    assert (found.code, found.errors) == (0, ["v2gexi: argument:1: no handshake: taken for din"])
    assert run("decode", DIN.payload.hex(), "--set", "din").errors == []
    found = run("decode", DIN.payload.hex(), "--set", "app")
    assert (found.code, found.text) == (1, "")
    assert found.errors[0].startswith("v2gexi: argument:1: app: ")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (
            ["decode", "nothing-of-that-name"],
            2,
            "nothing-of-that-name: no such file, and neither hexadecimal digits nor",
        ),
        (["decode", str(DATA)], 2, f"{DATA}: Is a directory"),
        (["decode", "x" * 5000], 2, "no such file"),
        (["decode", ""], 2, "no such file"),
        (["decode", "--from", "capture", REQUEST], 2, "argument:0: neither pcap nor pcapng"),
        (["decode", "800"], 1, "argument:1: an odd number of digits"),
        (["decode", "80ff"], 1, "argument:1: no message set decodes it; as "),
        (["decode", "01fe80010000000480"], 1, "argument:1:0: only 1 of the 4 bytes of a payload are there"),
        (["decode", "01fea0000000000180"], 1, "argument:1:0: payload type 0xa000 is none of EXI"),
        (["encode", "<a>"], 1, "argument:1:1: a: there is no such element of"),
        (["encode", "{"], 1, "argument:1:2: Expecting property name"),
        (["encode", "[1, 2"], 1, "argument:1:6: Expecting ',' delimiter"),
        (["encode", '{"Foo": {}}'], 1, "argument: no message set has such an element"),
        (
            ["encode", '{"V2G_Message": {"Header": {"SessionID": ""}, "Body": {}}}'],
            1,
            "can be of din, iso2: --set says",
        ),
        (
            ["encode", '{"set": "foo", "message": {"a": {}}}'],
            2,
            "argument: there is no message set 'foo', only app, din",
        ),
        (["decode"], 1, "standard input: it is empty"),
        (["sets", "foo"], 2, "there is no message set 'foo', only app, din"),
    ],
)
def test_bad_input_is_one_clear_line(run, arguments, code, says):
    found = run(*arguments)
    assert (found.code, found.text) == (code, "")
    assert says in found.errors[0]
    assert found.errors[0].startswith("v2gexi: ")


def test_lines_are_numbered_and_good_ones_are_written(run):
    found = run("decode", "--to", "hex", stdin=f"{REQUEST}\nxy\n{REQUEST}\n8\n".encode())
    assert (found.code, found.text) == (1, f"{REQUEST}\n{REQUEST}\n")
    assert found.errors == [
        "v2gexi: standard input:2:1: 'x' is no hexadecimal digit",
        "v2gexi: standard input:4: an odd number of digits",
    ]


def test_usage(run):
    for wrong in ((), ("decode", "--set", "foo"), ("decode", "--to", "foo"), ("foo",)):
        assert run(*wrong).code == 2
    assert run("--help").code == 0


def test_problems(run):
    data: dict[str, object] = {"supportedAppProtocolReq": {"AppProtocol": []}}
    found = run("problems", json.dumps(data))
    assert (found.code, found.text) == (1, "argument: supportedAppProtocolReq: AppProtocol is missing\n")
    assert run("problems", REQUEST).code == 0
    wrong = {"supportedAppProtocolRes": {"ResponseCode": "OK", "SchemaID": 300}}
    found = run("problems", json.dumps(wrong))
    assert (found.code, len(found.text.splitlines())) == (1, 1)


def test_sets(run):
    lines = run("sets").text.splitlines()
    assert [line.split()[0] for line in lines] == list(schema.set_names())
    assert "urn:iso:std:iso:15118:-20:DC" in lines[5]
    assert (
        run("sets", "app").text.splitlines()[1] == "supportedAppProtocolRes\turn:iso:15118:2:2010:AppProtocol"
    )


def test_a_reader_that_goes_away_is_no_error():
    command = [sys.executable, "-m", "v2gexi", "decode", "--to", "jsonl", *[ABB] * 300]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=SOURCES) as process:
        assert process.stdout.readline().startswith(b'{"time"')
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == cli.PIPE


def test_comments_of_xml_hold_any_text():
    assert cli_write._in_comment("a--b--- c") == "a- -b- - - c"


def test_the_form_of_bytes():
    assert cli_read.form_of(b"\x80\x40") == "binary"
    assert cli_read.form_of(b" \n{") == "json"
    assert cli_read.form_of(b"8040") == "hex"
