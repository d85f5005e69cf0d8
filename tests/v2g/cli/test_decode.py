"""``v2g decode`` as people call it."""

from __future__ import annotations

import argparse
import io
import json
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.v2g.capture import recordings as r
from v2g.cli import decode

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def files(tmp_path):
    """Real captures as files."""
    for name in (r.IONIQ, r.TAYCAN, r.SUPERCHARGER):
        (tmp_path / f"{name}.pcapng").write_bytes(r.data(name))
    return tmp_path


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="v2g")
    decode.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(["decode", *map(str, arguments)])
    code = args.run(args)
    assert isinstance(code, int)
    return code


def _file(files: Path, name: str) -> str:
    return str(files / f"{name}.pcapng")


@pytest.mark.spec(355)
def test_a_timeline_by_default(files, capsys):
    assert _run(_file(files, r.IONIQ)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[0].startswith(_file(files, r.IONIQ))
    assert "Phases" in lines
    assert "Anomalies" in lines
    assert any(line.startswith("ConnSetup ") for line in lines)


def test_formats(files, capsys):
    assert _run(_file(files, r.IONIQ), "--to", "jsonl") == 0
    assert len([json.loads(line) for line in capsys.readouterr().out.splitlines()]) == 587
    assert _run(_file(files, r.IONIQ), "--to", "csv") == 0
    assert len(capsys.readouterr().out.splitlines()) == 62


def test_a_plot_beside_the_text(files, capsys):
    target = files / "plot.svg"
    assert _run(_file(files, r.IONIQ), "--to", "csv", "--plot", str(target)) == 0
    assert ET.parse(target).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert capsys.readouterr().err == ""


def test_one_session_of_several(files, capsys):
    assert _run(_file(files, r.SUPERCHARGER), "--session", "3") == 0
    out = capsys.readouterr().out
    assert "Session 3 · DIN SPEC 70121 · session id 06F0FE77" in out
    assert "Session 1" not in out
    assert _run(_file(files, r.SUPERCHARGER), "--session", "9") == 2
    assert capsys.readouterr().err.endswith("there is no session 9, only 5\n")


def test_standard_input(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(r.data(r.TAYCAN))))
    assert _run("-") == 0
    assert capsys.readouterr().out.startswith("standard input: 28 packets")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "byte 0: the file is empty"),
        (b"\0\1\2", "byte 0: neither pcap nor pcapng"),
        (b"\xd4\xc3\xb2\xa1\2\0", "byte 6: the file ends within its header"),
    ],
)
def test_what_is_no_capture(tmp_path, capsys, content, said):
    path = tmp_path / "x.pcap"
    path.write_bytes(content)
    code = _run(str(path))
    out, err = capsys.readouterr()
    assert code == 1
    assert err.splitlines()[-1].endswith(said) or said in err
    assert len(err.splitlines()) == 1
    assert not out or "0 packets" in out


def test_a_damaged_file_shows_what_comes_before(tmp_path, capsys):
    path = tmp_path / "cut.pcapng"
    path.write_bytes(r.data(r.TAYCAN)[:2000])
    assert _run(str(path)) == 1
    out, err = capsys.readouterr()
    assert "CM_SLAC_PARM.REQ" in out
    (line,) = err.splitlines()
    assert line.startswith(f"{path}: after packet 1")
    assert ": the file ends within a block; what comes before it was read" in line


def test_time_stamps_that_are_damaged(files, capsys, tmp_path):
    """Years that no calendar has are shown as seconds."""
    data = bytearray(r.data(r.TAYCAN))
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 6:
            struct.pack_into("<I", data, at + 12, 0xFFFFFFF0)
        at += length
    path = tmp_path / "late.pcapng"
    path.write_bytes(data)
    for form in ("text", "jsonl", "csv"):
        assert _run(str(path), "--to", form) == 0
        out, err = capsys.readouterr()
        assert err == ""
        if form == "text":
            assert re.search(r"from \d{9,} s after 1970-01-01 on", out.splitlines()[0])
    plot = tmp_path / "x.svg"
    assert _run(str(path), "--to", "csv", "--plot", str(plot)) in (0, 1)


def test_a_capture_of_something_else(tmp_path, capsys):
    from tests.v2gexi import wire

    path = tmp_path / "x.pcap"
    path.write_bytes(wire.pcap([wire.ethernet(wire.ipv4(1, b"ping"), 0x0800)] * 3))
    assert _run(str(path)) == 1
    assert capsys.readouterr().err == f"{path}: none of its 3 packets belongs to charging\n"


def test_what_cannot_be_done(files, capsys, tmp_path):
    assert _run(str(tmp_path / "nowhere")) == 2
    assert "No such file" in capsys.readouterr().err
    assert _run(_file(files, r.IONIQ), "--plot", "x.jpg") == 2
    assert capsys.readouterr().err == "x.jpg: a plot's name ends with .svg or .png\n"
    assert _run(_file(files, r.TAYCAN), "--plot", str(tmp_path / "x.svg")) == 1
    assert "nothing to plot" in capsys.readouterr().err
    assert _run(_file(files, r.IONIQ), "--plot", str(tmp_path / "no" / "x.svg")) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough(files):
    command = (
        "import argparse, sys\n"
        "from v2g.cli import decode\n"
        "p = argparse.ArgumentParser(); decode.add_parser(p.add_subparsers())\n"
        "a = p.parse_args(); sys.exit(a.run(a))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", command, "decode", _file(files, r.SUPERCHARGER), "--all"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=REPOSITORY / "src",
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0
