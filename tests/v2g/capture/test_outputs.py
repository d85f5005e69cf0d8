"""Timeline, JSON lines, CSV and plots say the same."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from tests.v2g.capture import recordings as r
from v2g.capture import figure, png, series
from v2g.capture.svg import svg
from v2g.capture.tables import csv_lines, json_lines
from v2g.capture.timeline import Timeline

WITH_VOLTAGE = (r.COMPLEO, r.ALPITRONIC, r.IONIQ, r.MODEL_Y, r.POLESTAR)
SVG = "{http://www.w3.org/2000/svg}"
PICTURE = b"\x89PNG\r\n\x1a\n"


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("\n".join(csv_lines(*r.read(name))))))


def _text(name: str, **options) -> list[str]:
    return list(Timeline(*r.read(name), **options).lines(name))


@pytest.mark.spec(355)
def test_csv_of_the_ioniq():
    rows = _rows(r.IONIQ)
    assert len(rows) == 11 + 50
    assert rows[0] | {"time": ""} == {
        "time": "",
        "EVSEPresentVoltage": "219",
        "EVSEPresentCurrent": "",
        "EVTargetVoltage": "388.1",
        "EVTargetCurrent": "1",
        "SoC": "93",
        "EVSEMaximumVoltageLimit": "450",
        "EVSEMaximumCurrentLimit": "200",
        "EVSEMaximumPowerLimit": "10000",
        "EVMaximumVoltageLimit": "412.8",
        "EVMaximumCurrentLimit": "200",
        "EVMaximumPowerLimit": "98000",
        "session": "1",
        "message": "PreCharge",
    }
    # tshark's frame.time_relative of the packet with the first PreChargeRes.
    assert rows[0]["time"] == "30.935094"
    assert (rows[-1]["EVSEPresentVoltage"], rows[-1]["EVTargetCurrent"]) == ("415", "57.1")
    assert all(float(a["time"]) < float(b["time"]) for a, b in pairwise(rows))


def test_json_lines_have_every_event():
    for name in r.ALL:
        recording, sessions = r.read(name)
        found = [json.loads(line) for line in json_lines(recording, sessions)]
        assert len(found) == sum(len(s.events) for s in sessions) + len(sessions)
        events = [each for each in found if "name" in each]
        numbers = {each["checkpoint"] for each in events if each["checkpoint"]}
        assert numbers == {e.checkpoint for s in sessions for e in s.events if e.checkpoint}
        ends = [each for each in found if "phases" in each]
        assert [len(each["phases"]) for each in ends] == [len(s.phases) for s in sessions]


@pytest.mark.spec(340)
@pytest.mark.parametrize("name", [r.IONIQ, r.POLESTAR])
def test_secrets_are_shown_only_when_asked_for(name):
    recording, sessions = r.read(name)
    key = next(e.values["NMK"] for e in recording.events if e.name == "CM_SLAC_MATCH.CNF").hex().upper()
    identity = next(e.values["EVCCID"] for e in recording.events if e.name == "SessionSetupReq").hex().upper()
    for secrets in (False, True):
        for lines in (
            [line for line in _text(name, secrets=secrets) if "  log  " not in line],
            [
                line
                for line in json_lines(recording, sessions, secrets=secrets)
                if '"layer": "log"' not in line
            ],
        ):
            shown = "\n".join(lines)
            assert (f"NMK {key}" in shown or f'"NMK": "{key}"' in shown) is secrets
            assert (f"EVCCID {identity}" in shown or f'"EVCCID": "{identity}"' in shown) is secrets
            assert (re.search(r"\[redacted\] hash: [0-9A-F]{15}\b", shown) is None) is secrets


@pytest.mark.spec(358)
def test_the_timeline_tells_time_layer_side_checkpoint_and_values():
    lines = _text(r.IONIQ)
    assert lines[0] == f"{r.IONIQ}: 730 packets, 45.483 s from 2023-05-24 18:33:41 UTC on, 1 session"
    assert "   27.133  TCP   car      301  SYN  port 15118" in lines
    answered = "538  ContractAuthenticationRes  ResponseCode OK, EVSEProcessing Finished"
    assert f"   29.212  V2G   station  {answered}" in lines
    asked = "570  PreChargeReq  SoC 93 %, EVTargetVoltage 388.1 V, EVTargetCurrent 1 A"
    assert f"   30.803  V2G   car      {asked}" in lines
    assert "   30.803 to    33.288 s      2485 ms  pre-charge (22 events)" in lines


@pytest.mark.spec(356)
def test_log_datagrams_stand_between_the_messages():
    lines = _text(r.IONIQ)
    before = next(at for at, line in enumerate(lines) if "supportedAppProtocolReq" in line)
    after = next(at for at, line in enumerate(lines) if "supportedAppProtocolRes" in line)
    assert any(line.endswith("[EVSE] Detected DIN") and "  log  " in line for line in lines[before:after])


def test_repetitions_are_folded_and_nothing_is_lost_with_all():
    folded, everything = _text(r.MODEL_Y), _text(r.MODEL_Y, everything=True)
    assert sum(" V2G " in line for line in everything) == 274
    assert sum(" V2G " in line for line in folded) < 60
    line = "… 80 × PreChargeReq and PreChargeRes until 72.808 s, EVSEPresentVoltage 247 to 347 V, SoC 55 %"
    assert f"   66.015  {line}" in folded


def test_keys_are_never_folded():
    lines = _text(r.MODEL_Y)
    assert sum("CM_SET_KEY." in line for line in lines) == 2
    recording, _ = r.read(r.ALPITRONIC)
    wanted = sum(event.name.startswith("CM_SET_KEY.") for event in recording.events)
    assert sum("  CM_SET_KEY." in line for line in _text(r.ALPITRONIC)) == wanted
    assert any("more frames between host and modem until" in line for line in lines)


def test_a_new_kind_of_finding_is_never_folded():
    for name in r.ALL:
        _, sessions = r.read(name)
        text = "\n".join(_text(name))
        for session in sessions:
            for kind in set(r.kinds(session)):
                assert f"  {kind}" in text


def _curves(document: str) -> tuple[ET.Element, dict[str, list[tuple[float, float]]]]:
    root = ET.fromstring(document.encode())
    curves = {}
    for line in root.iter(f"{SVG}polyline"):
        if "data-curve" in line.attrib:
            pairs = [pair.split(",") for pair in line.attrib["points"].split()]
            curves[line.attrib["data-curve"]] = [(float(x), float(y)) for x, y in pairs]
    return root, curves


@pytest.mark.spec(355)
@pytest.mark.parametrize("name", WITH_VOLTAGE)
def test_the_curves_are_the_numbers_of_the_csv(name):
    root, curves = _curves(svg(figure.draw(*r.read(name), name)))
    rows = _rows(name)
    axes = {
        unit: [float(each) for each in root.attrib[f"data-axis-{unit}"].split()]
        for unit in ("time", "V", "A", "percent")
    }
    units = {"Voltage": "V", "Current": "A", "SoC": "percent"}
    drawn = 0
    for column in ("EVSEPresentVoltage", "EVTargetVoltage", "EVSEPresentCurrent", "EVTargetCurrent", "SoC"):
        wanted = [(float(row["time"]), float(row[column])) for row in rows if row[column]]
        offset, factor = axes[next(unit for ending, unit in units.items() if column.endswith(ending))]
        found = [
            ((x - axes["time"][0]) / axes["time"][1], (y - offset) / factor)
            for x, y in curves.get(f"{column} session 1", [])
        ]
        assert len(found) == len(wanted)
        drawn += len(found)
        for (time, value), (wanted_time, wanted_value) in zip(found, wanted, strict=True):
            assert time == pytest.approx(wanted_time, abs=abs(0.001 / axes["time"][1]))
            assert value == pytest.approx(wanted_value, abs=abs(0.001 / factor))
    assert drawn > 50


def test_the_phases_are_marked():
    root, _ = _curves(svg(figure.draw(*r.read(r.IONIQ), "t")))
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert "pre-charge: 2485 ms" in titles
    assert "charge loop: 11395 ms" in titles
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"cable check", "pre-charge", "charge loop"} <= set(texts)


def test_names_of_files_cannot_break_the_document():
    document = svg(figure.draw(*r.read(r.IONIQ), "<&\"'>.pcapng"))
    root, _ = _curves(document)
    assert "<&\"'>.pcapng" in [text.text for text in root.iter(f"{SVG}text")]


def test_without_voltage_there_is_no_plot():
    with pytest.raises(ValueError, match="no message tells a voltage or current"):
        figure.draw(*r.read(r.TAYCAN), "t")


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0, 437.5), (27.1, 45.4), (-3, 3), (0.001, 0.002), (0, 1e6)]
)
def test_ticks_are_round_and_not_too_many(low, high):
    found = figure.ticks(low, high, 8)
    assert 2 <= len(found) <= 9
    steps = {f"{b - a:.6g}" for a, b in pairwise(found)}
    assert len(steps) == 1
    assert low - 1e-9 <= found[0]
    assert found[-1] <= high + 1e-9


def test_limits_of_iso_15118_20_stand_in_the_same_columns(build):
    from v2g.capture.events import Event, Layer
    from v2g.capture.splitting import Session

    request = Event(1, 1, 0, Layer.V2G, "DC_ChargeLoopReq", values={"EVTargetVoltage": 400.0})
    response = Event(2, 2, 0, Layer.V2G, "DC_ChargeLoopRes")
    response.values = {"EVSEPresentVoltage": 399.0, "EVSEMaximumChargeCurrent": 10.0}
    (point,) = series.points_of(Session(1, [request, response]))
    assert point.values == {"EVTargetVoltage": 400, "EVSEPresentVoltage": 399, "EVSEMaximumCurrentLimit": 10}


def test_a_png_needs_pillow(monkeypatch):
    def missing(name: str):
        raise ImportError(name)

    monkeypatch.setattr(png, "import_module", missing)
    with pytest.raises(png.NoPillowError, match=r"^PNG plots need Pillow: "):
        png.png(figure.draw(*r.read(r.IONIQ), "t"))


def test_the_picture_shows_the_curves():
    image = pytest.importorskip("PIL.Image")
    drawn = figure.draw(*r.read(r.IONIQ), "t")
    content = png.png(drawn)
    assert content.startswith(PICTURE)
    picture = image.open(io.BytesIO(content)).convert("RGB")
    assert picture.size == (drawn.width, drawn.height)
    curve = next(s for s in drawn.shapes if getattr(s, "name", "") == "EVSEPresentVoltage session 1")
    (x0, y0), (x1, y1) = curve.points[2], curve.points[3]
    red, _, blue = picture.getpixel((round((x0 + x1) / 2), round((y0 + y1) / 2)))
    assert blue > red + 60
