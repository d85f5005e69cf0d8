"""Updates the four ways, from A to B and back: each installed system comes up and is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargectl.declarations import topics
from tests.target.board import Board, stick_image
from tests.target.bundles import CHANGED_DAEMON, Workshop
from tests.web_server import Resource, WebServer

INSTALL_S = 300.0
"""An installation on an idle machine; the board's own limit is none."""
STICK_S = 30.0
FETCHED_AT_MOST = 0.10
"""Of the image, when one daemon changed."""
HOST = "10.0.2.2"
"""The host, as QEMU's user network shows it to the board."""
STATE = {
    topics.TOPIC_FIRMWARE_UPDATE_STATE_ACTUAL: "install-succeeded",
    topics.TOPIC_FIRMWARE_UPDATE_STATE_PROGRESS: "100",
    topics.TOPIC_FIRMWARE_UPDATE_RESULT_STATE: "succeeded",
    topics.TOPIC_FIRMWARE_UPDATE_RESULT_MESSAGE: "",
}
"""What updated says after an update that went well."""
MARK = "/etc/systemd/network/90-of-the-owner.network"


def served(bundle: Path) -> WebServer:
    """That bundle by HTTP with ranges, as RAUC streams it."""
    return WebServer({bundle.name: Resource(bundle.read_bytes(), etag=f'"{bundle.name}"')})


def install(board: Board, bundle: Path) -> tuple[str, int]:
    """Install from the network: what RAUC said, and the bytes that were fetched."""
    with served(bundle) as server:
        start = board.uptime()
        status, said = board.console.run(f"rauc install http://{HOST}:{server.port}/{bundle.name}", INSTALL_S)
        if status:
            board.console.run("dmesg | tail -n 20; journalctl -b -u rauc --no-pager | tail -n 40")
            raise AssertionError(f"rauc install: exit code {status}\n{said}")
        fetched = sum(seen.sent for seen in server.seen)
        board.note(f"installed {bundle.name} in {board.uptime() - start:.0f} s, fetched {fetched} bytes")
    return said, fetched


def test_the_factory_system_is_accepted(board: Board) -> None:
    board.needs_emulator()
    board.boots("A")
    board.console.ok(f"printf '[Match]\\nName=none0\\n' >{MARK}; sync")


@pytest.mark.spec(241, 244, 258)
def test_a_stick_brings_the_system_in_b(board: Board, workshop: Workshop) -> None:
    stick = stick_image(board.folder / "stick.img", [workshop.bundle("2.0")])
    board.note("stick plugged in")
    board.needs_emulator().plug_stick(stick)
    # Nobody types anything: the stick is found, its update is installed, the board restarts.
    assert board.booting(INSTALL_S)["slot"] == "B"
    board.accepted()
    board.needs_emulator().pull_stick()
    assert board.release()["VERSION"] == "2.0"


@pytest.mark.spec(263)
def test_the_owners_files_came_along(board: Board) -> None:
    assert "none0" in board.console.ok(f"cat {MARK}")


@pytest.mark.spec(260)
def test_the_good_boot_took_the_other_slot_out_of_use(board: Board) -> None:
    status = board.json("chargectl update status --json")
    by_name = {slot["slot"]: slot for slot in status["slots"]}
    assert by_name["B"]["version"] == "2.0"
    assert by_name["B"]["boot_status"] == "good"
    assert by_name["A"]["boot_status"] == "bad"


@pytest.mark.spec(243)
def test_the_same_stick_again_does_nothing(board: Board) -> None:
    since = board.uptime()
    cursor = board.console.ok("journalctl -b -n 0 --show-cursor --no-pager").rpartition("cursor: ")[2]
    board.needs_emulator().plug_stick(board.folder / "stick.img", "again")
    seen = f"journalctl --after-cursor '{cursor}' -u 'chargectl-usb@*'"
    board.console.wait_until(f"{seen} | grep 'nothing is left to do'", STICK_S)
    board.needs_emulator().pull_stick("again")
    assert board.slot() == "B"
    assert board.uptime() > since, "the board was not restarted"


@pytest.mark.spec(245, 246)
def test_an_address_brings_the_system_in_a(board: Board, workshop: Workshop) -> None:
    bundle = workshop.bundle("3.0", CHANGED_DAEMON)
    said, fetched = install(board, bundle)
    assert "100%" in said
    # Version 2.0 runs and is as good as the same but for one daemon: what is there already is not fetched.
    image = workshop.image_bytes("3.0")
    assert 0 < fetched < FETCHED_AT_MOST * image, f"{fetched} of {image} bytes"
    # No restart of its own.
    assert board.slot() == "B"
    board.reboot()
    board.boots("A")
    assert board.release()["VERSION"] == "3.0"


@pytest.mark.spec(261)
def test_back_by_hand(board: Board) -> None:
    board.console.ok("rauc status mark-active other")
    board.reboot()
    board.boots("B")
    assert board.release()["VERSION"] == "2.0"


@pytest.mark.spec(247, 250, 251)
def test_a_message_brings_the_system_in_a(board: Board, workshop: Workshop) -> None:
    bundle = workshop.bundle("4.0")
    with served(bundle) as server:
        address = f"http://{HOST}:{server.port}/{bundle.name}"
        board.console.ok(
            f"mosquitto_pub -h 127.0.0.1 -t {topics.TOPIC_FIRMWARE_UPDATE_TARGET_URL.path} -m {address}"
        )
        result = topics.TOPIC_FIRMWARE_UPDATE_RESULT_STATE.path
        # Empty until there is one.
        board.console.wait_until(
            f"mosquitto_sub -h 127.0.0.1 -t {result} -C 1 -W 30 | grep -E 'succeeded|failed'", INSTALL_S
        )
    told = {topic.path: board.retained(topic.path) for topic in STATE}
    assert told == {topic.path: value for topic, value in STATE.items()}
    assert board.slot() == "B", "restarting is left to who sent the message"
    board.reboot()
    board.boots("A")
    assert board.release()["VERSION"] == "4.0"


@pytest.mark.spec(245)
def test_a_file_on_the_board_brings_the_system_in_b(board: Board, workshop: Workshop) -> None:
    bundle = workshop.bundle("5.0", CHANGED_DAEMON)
    with served(bundle) as server:
        fetch = "import sys, urllib.request as u; u.urlretrieve(*sys.argv[1:])"
        address = f"http://{HOST}:{server.port}/{bundle.name}"
        board.console.ok(f"python3 -c '{fetch}' {address} /srv/update.image", INSTALL_S)
    board.console.ok("rauc install /srv/update.image && rm /srv/update.image", INSTALL_S)
    slots = {slot["slot"]: slot for slot in board.json("chargectl update status --json")["slots"]}
    assert (slots["A"]["version"], slots["B"]["version"]) == ("4.0", "5.0")
