"""The GPIO class on the real paths, driven by python-periphery and plain files, with the kernel's rules."""

from __future__ import annotations

import errno
import os
import select
from pathlib import Path

import pytest
from periphery import GPIOError
from periphery.gpio_sysfs import SysfsGPIO

from chargectl.sim.client import SimClient
from tests.simboard import BoardProcess

GPIO = Path("/sys/class/gpio")
SENSE = GPIO / "gpio131"
RELAY = GPIO / "gpio76"


def export(number: int) -> Path:
    (GPIO / "export").write_text(f"{number}\n")
    return GPIO / f"gpio{number}"


def error_of(path: Path, text: str) -> int | None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 (the errno is what matters)
        path.write_text(text)
    return caught.value.errno


def test_export_creates_the_line_and_unexport_removes_it(sim_world: SimClient) -> None:
    assert not SENSE.exists()
    export(131)
    assert sorted(os.listdir(SENSE)) == ["active_low", "device", "direction", "edge", "subsystem", "value"]
    assert (SENSE / "direction").read_text() == "in\n"
    assert (SENSE / "edge").read_text() == "none\n"
    (GPIO / "unexport").write_text("131")
    assert not SENSE.exists()


def test_export_errors(sim_world: SimClient) -> None:
    export(131)
    assert error_of(GPIO / "export", "131\n") == errno.EBUSY
    assert error_of(GPIO / "export", "18\n") == errno.EBUSY
    assert error_of(GPIO / "export", "160\n") == errno.EINVAL
    assert error_of(GPIO / "export", "-1\n") == errno.EINVAL
    assert error_of(GPIO / "export", "relay\n") == errno.EINVAL
    assert error_of(GPIO / "unexport", "76\n") == errno.EINVAL


def test_export_cannot_be_read_and_base_not_written(sim_world: SimClient) -> None:
    with pytest.raises(PermissionError):
        (GPIO / "export").read_text()
    assert error_of(GPIO / "gpiochip0" / "base", "1") == errno.EACCES


@pytest.mark.parametrize(("word", "level"), [("out", False), ("low", False), ("high", True)])
def test_directions_set_the_level_without_a_glitch(sim_world: SimClient, word: str, level: bool) -> None:
    export(76)
    (RELAY / "direction").write_text(word + "\n")
    assert (RELAY / "direction").read_text() == "out\n"
    assert (RELAY / "value").read_text() == f"{int(level)}\n"
    assert sim_world.is_output(76)
    assert sim_world.gpio(76) is level


def test_values_and_their_errors(sim_world: SimClient) -> None:
    export(76)
    assert error_of(RELAY / "value", "1") == errno.EPERM
    assert error_of(RELAY / "direction", "sideways") == errno.EINVAL
    (RELAY / "direction").write_text("out")
    assert error_of(RELAY / "value", "on") == errno.EINVAL
    (RELAY / "value").write_text("5")
    assert sim_world.gpio(76)


def test_active_low_inverts_values_but_not_the_words(sim_world: SimClient) -> None:
    export(76)
    (RELAY / "active_low").write_text("1")
    (RELAY / "direction").write_text("high")
    assert sim_world.gpio(76)
    assert (RELAY / "value").read_text() == "0\n"
    (RELAY / "value").write_text("1")
    assert not sim_world.gpio(76)


def test_hardware_keeps_its_level_over_unexport(sim_world: SimClient) -> None:
    export(76)
    (RELAY / "direction").write_text("high")
    (GPIO / "unexport").write_text("76")
    assert sim_world.gpio(76)
    export(76)
    assert (RELAY / "direction").read_text() == "out\n"


def test_edge_and_output_exclude_each_other(sim_world: SimClient) -> None:
    export(76)
    (RELAY / "edge").write_text("both")
    assert error_of(RELAY / "direction", "out") == errno.EIO
    (RELAY / "edge").write_text("none")
    (RELAY / "direction").write_text("out")
    assert error_of(RELAY / "edge", "rising") == errno.EIO
    assert error_of(RELAY / "edge", "sometimes") == errno.EINVAL


def test_periphery_drives_a_relay_and_reads_its_sense(sim_world: SimClient) -> None:
    sense, relay = SysfsGPIO(131, "in"), SysfsGPIO(76, "low")
    assert sense.chip_label == "20ac000.gpio"
    relay.write(True)
    assert sense.read() is False
    sim_world.advance(35)
    assert sense.read() is True
    sense.close()
    relay.close()
    assert not SENSE.exists()


def test_periphery_reports_an_input_that_is_written(sim_world: SimClient) -> None:
    line = SysfsGPIO(131, "in")
    with pytest.raises(GPIOError) as caught:
        line.write(True)
    assert caught.value.errno == errno.EPERM
    line.close()


@pytest.mark.parametrize(
    ("edge", "presses", "releases"),
    [("both", True, True), ("rising", True, False), ("falling", False, True), ("none", False, False)],
)
def test_edges_wake_poll_once_until_read(
    sim_world: SimClient, edge: str, presses: bool, releases: bool
) -> None:
    sim_world.do("release_emergency")
    line = SysfsGPIO(121, "in")
    line.edge = edge
    line.read()
    assert line.poll(0) is False
    sim_world.do("press_emergency")
    assert line.poll(0.02) is presses
    line.read()
    assert line.poll(0) is False
    sim_world.do("release_emergency")
    assert line.poll(0.02) is releases
    line.read()
    line.close()


def test_active_low_turns_the_edges_round(sim_world: SimClient) -> None:
    line = export(121)
    (line / "active_low").write_text("1")
    (line / "edge").write_text("rising")
    with open(line / "value", encoding="ascii") as value:
        value.read()
        poll = select.poll()
        poll.register(value, select.POLLPRI)
        sim_world.do("press_emergency")
        assert poll.poll(0) == []
        sim_world.do("release_emergency")
        assert poll.poll(0) == [(value.fileno(), select.POLLPRI | select.POLLERR)]


def test_epoll_waits_for_an_edge_that_comes_later_and_sees_short_pulses(sim_world: SimClient) -> None:
    rcd = export(122)
    (rcd / "edge").write_text("both")
    with open(rcd / "value", encoding="ascii") as value, select.epoll() as epoll:
        value.read()
        epoll.register(value, select.EPOLLPRI)
        assert epoll.poll(0) == []
        sim_world.do("trip_rcd")
        sim_world.do("reset_rcd")
        assert epoll.poll(1) == [(value.fileno(), select.EPOLLPRI | select.EPOLLERR)]
        value.seek(0)
        assert value.read() == "1\n"
        assert epoll.poll(0) == []


def test_unexport_wakes_the_poller_and_its_descriptor_fails(sim_world: SimClient) -> None:
    export(131)
    with open(SENSE / "value", encoding="ascii") as value, select.epoll() as epoll:
        value.read()
        epoll.register(value, select.EPOLLPRI)
        (GPIO / "unexport").write_text("131")
        assert epoll.poll(1)
        with pytest.raises(OSError, match="No such device"):
            os.pread(value.fileno(), 2, 0)


def test_straps_and_second_relay_tell_the_variants_apart(sim_world: SimClient) -> None:
    seen = set()
    for variant in (100, 200, 300):
        sim_world.reset(variant=variant)
        seen.add(tuple((export(number) / "value").read_text() for number in (111, 109, 110, 112)))
        assert Path("/sys/class/hwmon/hwmon1/pwm1").exists() is (variant == 300)
        for number in (77, 130):
            export(number)
        (GPIO / "gpio77" / "direction").write_text("high")
        sim_world.advance(100)
        assert (GPIO / "gpio130" / "value").read_text() == f"{int(variant != 100)}\n"
    assert len(seen) == 3


def test_injected_error_hits_open_descriptors_too(sim_world: SimClient) -> None:
    export(131)
    with open(SENSE / "value", encoding="ascii") as value:
        value.read()
        sim_world.fault("gpio/131:EIO")
        with pytest.raises(OSError, match="Input/output error"):
            os.pread(value.fileno(), 2, 0)
        sim_world.clear("gpio/131:EIO")
        assert os.pread(value.fileno(), 2, 0) == b"0\n"


def test_vanished_folder_is_gone_and_its_descriptors_fail(sim_world: SimClient) -> None:
    export(131)
    with open(SENSE / "value", encoding="ascii") as value:
        sim_world.fault("vanish /sys/class/gpio/gpio131")
        assert not SENSE.exists()
        assert "gpio131" not in os.listdir(GPIO)
        with pytest.raises(OSError, match="No such device"):
            os.pread(value.fileno(), 2, 0)
        sim_world.clear()
        assert SENSE.exists()
        assert os.pread(value.fileno(), 2, 0) == b"0\n"


def test_descriptors_do_not_survive_a_new_board(sim_world: SimClient) -> None:
    export(131)
    with open(SENSE / "value", encoding="ascii") as value:
        sim_world.reset()
        with pytest.raises(OSError, match="No such device"):
            os.pread(value.fileno(), 2, 0)


def test_dead_board_fails_its_users_and_the_next_one_works(
    sim_world: SimClient, sim_process: BoardProcess
) -> None:
    export(131)
    value = os.open(SENSE / "value", os.O_RDONLY)
    sim_process.kill()
    with pytest.raises(OSError, match=r"not connected|connection abort|No such device"):
        os.pread(value, 2, 0)
    os.close(value)
    with sim_process.client() as board:
        assert (export(131) / "value").read_text() == "0\n"
        assert not board.gpio(131)
