"""Damaged payloads in Python: refused in one line, or read as something that can be written again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import v2gexi

TOP = Path(__file__).parents[2]
COUNT = 30_000
CRASHED_ONCE = (
    ("iso2", "804550"),  # a root of a simple type with xsi:nil
    ("iso20-acdp", "8002680300" + "00" * 9),  # a root that xsi:type makes of a type that is no kin of its own
    ("iso2", "80992e0168" + "00" * 15),
    ("iso2", "807ea8"),  # xsi:nil where elements are demanded
)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_payloads(seed: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.v2gexi.damage", str(seed), str(COUNT)],
        cwd=TOP,
        env=os.environ | {"PYTHONMALLOC": "debug", "PYTHONPATH": f"{TOP}/src:{TOP}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "could be read" in done.stdout


@pytest.mark.parametrize(("message_set", "payload"), CRASHED_ONCE)
def test_what_crashed_once_is_refused(message_set: str, payload: str) -> None:
    with pytest.raises(v2gexi.DecodeError):
        v2gexi.decode(bytes.fromhex(payload), message_set)


def test_a_reference_cannot_blow_a_payload_up() -> None:
    """One long name, and thousands of references to it in a few bits each."""
    from v2gexi import iso2
    from v2gexi.message import Element

    name = "x" * 16_000
    key_info = iso2.KeyInfoType(content=[Element("KeyName", name)] * 6_000)
    payload = v2gexi.encode(key_info, "xmldsig", fragment=True)
    assert len(payload) < 40_000
    with pytest.raises(v2gexi.DecodeError, match="more texts"):
        v2gexi.decode(payload, "xmldsig", fragment=True)


def test_names_from_a_payload_do_not_break_the_line() -> None:
    from v2gexi import xmldsig
    from v2gexi.message import AnyElement

    inside = AnyElement("two\nlines", "urn:x", content=["text"])
    payload = v2gexi.encode(xmldsig.ObjectType(content=[inside]), "xmldsig", fragment=True)
    with pytest.raises(v2gexi.DecodeError) as error:
        v2gexi.decode(payload[:-2], "xmldsig", fragment=True)
    assert "\n" not in str(error.value)
    assert "'two\\nlines'" in str(error.value)


def test_threads_that_need_a_class_for_the_first_time() -> None:
    program = """
import threading, v2gexi
payload = bytes.fromhex("809802000000000000000011d01a119aea0bc7d9e0")
gate = threading.Barrier(8)
failed = []
def read():
    gate.wait()
    try:
        v2gexi.decode(payload, "iso2")
    except v2gexi.DecodeError:
        pass
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=read) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert not failed, failed
"""
    for _ in range(5):
        subprocess.run(
            [sys.executable, "-c", program], check=True, env=os.environ | {"PYTHONPATH": f"{TOP}/src"}
        )
