"""GPIO lines: whoever used the line before, it ends up as asked for."""

from __future__ import annotations

import os

import pytest

from chargectl.board.errors import BoardError
from chargectl.board.gpio import InputLine, OutputLine
from chargectl.sim.client import SimClient

GPIO = "/sys/class/gpio"


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read().strip()


@pytest.mark.spec(13)
@pytest.mark.parametrize("before", ["", "in", "low", "high"])
def test_export_and_direction_take_any_line_as_it_is(sim_world: SimClient, before: str) -> None:
    if before:
        write(f"{GPIO}/export", "89")
        write(f"{GPIO}/gpio89/direction", before)
    for _ in range(2):
        line = OutputLine(89, "output", safe=False)
        line.open()
        assert (sim_world.is_output(89), sim_world.gpio(89)) == (True, False)
        line.write(True)
        assert sim_world.gpio(89) is True
        line.close()
    source = InputLine(89, "input")
    source.open()
    assert sim_world.is_output(89) is False
    source.close()


@pytest.mark.spec(13)
def test_closing_leaves_the_line_exported_at_its_level(sim_world: SimClient) -> None:
    line = OutputLine(89, "output", safe=False)
    line.open()
    line.write(True)
    line.close()
    del line
    assert read(f"{GPIO}/gpio89/value") == "1"


@pytest.mark.spec(10)
@pytest.mark.parametrize(("number", "line"), [(4, 123), (5, 116), (6, 119)])
def test_free_inputs_are_on_their_lines(sim_world: SimClient, number: int, line: int) -> None:
    source = InputLine(line, "input")
    assert source.read() is False
    sim_world.do("set_input", number=number, mv=12_000)
    assert source.read() is True
    source.close()


@pytest.mark.parametrize("safe", [False, True])
def test_the_first_level_of_an_output_is_its_safe_level(sim_world: SimClient, safe: bool) -> None:
    line = OutputLine(89, "output", safe=safe)
    line.open()
    assert sim_world.gpio(89) is safe
    line.close()


def test_the_kernels_inversion_is_switched_off(sim_world: SimClient) -> None:
    for number in (123, 89):
        write(f"{GPIO}/export", str(number))
        write(f"{GPIO}/gpio{number}/active_low", "1")
    source, output = InputLine(123, "input"), OutputLine(89, "output", safe=False)
    assert source.read() is False
    output.open()
    assert sim_world.gpio(89) is False
    output.write(True)
    assert sim_world.gpio(89) is True
    source.close()
    output.close()


def test_a_line_that_somebody_left_with_an_edge_becomes_an_output(sim_world: SimClient) -> None:
    write(f"{GPIO}/export", "89")
    write(f"{GPIO}/gpio89/edge", "both")
    line = OutputLine(89, "output", safe=False)
    line.open()
    assert sim_world.is_output(89)
    line.close()


def test_the_safe_level_is_tried_twice_and_the_other_is_not(
    sim_world: SimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = OutputLine(89, "output", safe=False)
    line.open()
    line.write(True)
    really = os.pwrite
    failures = [OSError(5, "I/O error"), OSError(5, "I/O error")]

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        if failures:
            raise failures.pop()
        return really(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(BoardError, match=r"gpio89/value: input/output error: .*hardware"):
        line.write(True)
    assert sim_world.gpio(89) is True, "not dropped by the failed attempt"
    line.write(False)
    assert failures == []
    assert sim_world.gpio(89) is False
    line.close()


@pytest.mark.parametrize("content", [b"", b"2\n", b"x"])
def test_what_is_no_level_is_a_fault(
    sim_world: SimClient, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    line = InputLine(123, "input")
    line.open()
    with monkeypatch.context() as patched:
        patched.setattr(os, "pread", lambda fd, count, offset: content)
        with pytest.raises(BoardError, match="input: /sys/class/gpio/gpio123/value: unexpected content"):
            line.read()
    assert line.read() is False
    line.close()


def test_another_program_may_export_at_the_same_moment(
    sim_world: SimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(f"{GPIO}/export", "123")
    really = os.path.isdir
    answers = [False]
    monkeypatch.setattr(os.path, "isdir", lambda path: answers.pop() if answers else really(path))
    line = InputLine(123, "input")
    assert line.read() is False
    line.close()


def test_udev_is_waited_for_after_an_export_only(sim_world: SimClient) -> None:
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            sim_world.clear()

    sim_world.fault("/sys/class/gpio/gpio123/active_low:EACCES")
    line = InputLine(123, "input")
    line.open(sleep)
    assert len(naps) == 3
    assert line.read() is False
    line.close()
    sim_world.fault("/sys/class/gpio/gpio123/active_low:EACCES")
    with pytest.raises(BoardError, match="udev rule"):
        line.open(sleep)
    assert len(naps) == 3
    sim_world.clear()
    sim_world.fault("/sys/class/gpio/gpio119/active_low:EACCES")
    with pytest.raises(BoardError, match="permission denied"):
        InputLine(119, "input").open(naps.append)
    assert sum(naps[3:]) == pytest.approx(1.0)


def test_a_kernel_without_sysfs_gpio_is_said_so(sim_world: SimClient) -> None:
    sim_world.fault("vanish /sys/class/gpio")
    with pytest.raises(BoardError) as caught:
        InputLine(123, "input").read()
    assert str(caught.value) == (
        "input: /sys/class/gpio/gpio123: no such file or directory: "
        "does the kernel have CONFIG_GPIO_SYSFS, and is this the right board profile?"
    )
