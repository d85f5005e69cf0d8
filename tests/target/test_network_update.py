"""Updates that need nothing but the network, to the other system and back.

On a real board with a bundle of its maker's.
"""

from __future__ import annotations

import pytest

from chargectl.declarations import topics
from tests.target.board import Board, other
from tests.target.bundles import CHANGED_DAEMON, Workshop
from tests.target.installing import INSTALL_S, Update, install, served

FETCHED_AT_MOST = 0.10
"""Of the image, when one daemon changed."""
STATE = {
    topics.TOPIC_FIRMWARE_UPDATE_STATE_ACTUAL: "install-succeeded",
    topics.TOPIC_FIRMWARE_UPDATE_STATE_PROGRESS: "100",
    topics.TOPIC_FIRMWARE_UPDATE_RESULT_STATE: "succeeded",
    topics.TOPIC_FIRMWARE_UPDATE_RESULT_MESSAGE: "",
}
"""What updated says after an update that went well."""
CHANGED = "3.0"


@pytest.fixture(scope="module")
def before(board: Board) -> dict[str, str]:
    """The board, up: the slot and the version that it runs before any update."""
    board.up()
    return {"slot": board.slot(), "version": board.release()["VERSION"]}


@pytest.fixture(scope="module")
def update(board: Board, request: pytest.FixtureRequest) -> Update:
    """The bundle that was given, or for the emulated board the checkout with one daemon changed."""
    if board.emulator:
        workshop: Workshop = request.getfixturevalue("workshop")
        return Update.of(workshop.bundle(CHANGED, CHANGED_DAEMON))
    return Update.of(request.config.getoption("--bundle"))


@pytest.mark.spec(245, 246)
def test_an_address_brings_the_other_system(
    board: Board, before: dict[str, str], update: Update, workshop: Workshop
) -> None:
    said, fetched = install(board, update.bundle)
    assert "100%" in said
    assert fetched > 0
    if board.emulator:
        # What runs is as good as the same but for one daemon: what is there already is not fetched.
        image = workshop.image_bytes(CHANGED)
        assert fetched < FETCHED_AT_MOST * image, f"{fetched} of {image} bytes"
    assert board.slot() == before["slot"], "no restart of its own"
    board.reboot()
    board.boots(other(before["slot"]))
    assert board.release()["VERSION"] == update.version


@pytest.mark.spec(261)
def test_back_by_hand(board: Board, before: dict[str, str]) -> None:
    board.console.ok("rauc status mark-active other")
    board.reboot()
    board.boots(before["slot"])
    assert board.release()["VERSION"] == before["version"]


@pytest.mark.spec(247, 250, 251)
def test_a_message_brings_the_other_system(board: Board, before: dict[str, str], update: Update) -> None:
    with served(board, update.bundle) as (address, _):
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
    assert board.slot() == before["slot"], "restarting is left to who sent the message"
    board.reboot()
    board.boots(other(before["slot"]))
    assert board.release()["VERSION"] == update.version


@pytest.mark.spec(245)
def test_a_file_on_the_board_brings_the_first_slot_a_system(
    board: Board, before: dict[str, str], update: Update
) -> None:
    with served(board, update.bundle) as (address, _):
        fetch = "import sys, urllib.request as u; u.urlretrieve(*sys.argv[1:])"
        board.console.ok(f"python3 -c '{fetch}' {address} /srv/update.image", INSTALL_S)
    board.console.ok("rauc install /srv/update.image && rm /srv/update.image", INSTALL_S)
    slots = {slot["slot"]: slot for slot in board.json("chargectl update status --json")["slots"]}
    assert slots[before["slot"]]["version"] == update.version
    assert slots[other(before["slot"])]["version"] == update.version
