"""Images of a stick against a RAUC that answers as a test wants; the real one is in test_run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chargectl.system.rauc import BundleInfo, RaucError, Slot
from chargectl.system.stick import Stick
from chargectl.system.stick_session import Light, Places, Session
from chargectl.system.stick_stop import Stop, Stopped
from chargectl.update.stick_image import Record, record_of

BOARD = "chargectl charge-control-c"


def slot(letter: str, version: str = "1.0", hashed: str = "old", count: int = 1) -> Slot:
    name = f"rootfs.{'AB'.index(letter)}"
    return Slot(name, letter, "/dev/x", "booted", "good", version, "", "", count, hashed)


@dataclass
class FakeRauc:
    """Bundles are text files: ``compatible version hash``."""

    events: list[str]
    running: list[Slot] = field(default_factory=lambda: [slot("A"), slot("B", "0.9", "older")])
    busy: RaucError | None = None
    refuses: RaucError | None = None
    after: Callable[[], None] = lambda: None

    def compatible(self) -> str:
        return BOARD

    def booted(self) -> str:
        return "A"

    def slots(self) -> tuple[Slot, ...]:
        return tuple(self.running)

    def follow(self) -> bool:
        self.events.append("follow")
        if self.busy:
            raise self.busy
        return False

    def bundle_info(self, path: str) -> BundleInfo:
        words = Path(path).read_text().split("|")
        if len(words) != 3:
            raise RaucError("RAUC: signature verification failed")
        return BundleInfo(*words)

    def install(self, source: str, on_progress: Callable[[int, str], None] | None = None) -> None:
        _, version, hashed = Path(source).read_text().split("|")
        self.events.append(f"install {version}")
        assert on_progress is not None
        for percent in range(0, 101, 5):
            on_progress(percent, "Copying")
        self.after()
        if self.refuses:
            raise self.refuses
        self.running[1] = slot("B", version, hashed, self.running[1].installed_count + 1)


@dataclass
class FakeSystem:
    events: list[str]
    problem: str = ""
    down: bool = False

    def reboot(self) -> str:
        self.events.append("reboot")
        return self.problem

    def goes_down(self) -> bool:
        return self.down


@dataclass
class Bench:
    """A stick's folder, and what happens with it."""

    root: Path
    events: list[str] = field(default_factory=list)
    lights: list[Light] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rauc = FakeRauc(self.events)
        self.system = FakeSystem(self.events)
        self.stop = Stop()
        self.unplugged = False
        self.places = Places(self.root / "work", self.root / "keyring.pem", self.root / "srv" / "record")
        (self.root / "stick").mkdir()
        self.places.work.mkdir()

    def image(self, name: str, version: str, hashed: str, compatible: str = BOARD) -> None:
        (self.root / "stick" / name).write_text(f"{compatible}|{version}|{hashed}")

    def run(self) -> bool:
        with Stick(self.root / "stick") as stick:
            return Session(
                *(stick, self.places, self.rauc, self.system, self.lights.append),
                gone=lambda: self.unplugged,
                stop=self.stop,
            ).run()


@pytest.fixture
def bench(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Bench:
    caplog.set_level(logging.INFO)
    return Bench(tmp_path)


@pytest.mark.spec(244)
def test_a_new_image_is_installed_and_the_board_restarts_at_once(bench: Bench) -> None:
    bench.image("x.image", "2.0", "new")
    assert bench.run()
    assert bench.events == ["follow", "install 2.0", "reboot"]
    assert bench.lights == [Light.UPDATING]
    assert record_of(bench.places.record.read_text()) == Record("new", 3)


@pytest.mark.spec(242)
def test_the_first_that_fits_decides(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.image("a.image", "3.0", "other", "toaster")
    (bench.root / "stick" / "b.image").write_text("unsigned")
    bench.image("c.image", "2.0", "new")
    bench.image("d.image", "2.1", "newer")
    assert bench.run()
    assert bench.events == ["follow", "install 2.0", "reboot"]
    assert "'b.image': ignored: RAUC: signature verification failed" in caplog.text
    assert "d.image" not in caplog.text


@pytest.mark.spec(243)
def test_what_runs_ends_the_search(bench: Bench) -> None:
    bench.image("a.image", "1.0", "old")
    bench.image("b.image", "2.0", "new")
    assert bench.run()
    assert bench.events == ["follow"]
    assert bench.lights == []


def test_a_failing_installation_does_not_restart_and_the_next_image_is_tried(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.image("a.image", "2.0", "new")
    bench.rauc.refuses = RaucError("RAUC: the stick was pulled: Input/output error")
    assert not bench.run()
    assert bench.events == ["follow", "install 2.0"]
    assert bench.lights == [Light.UPDATING, Light.FOUND]
    assert not bench.places.record.exists()
    assert "'a.image': not installed, the running system stays: RAUC: the stick was pulled" in caplog.text
    bench.image("b.image", "2.1", "newer")
    bench.events.clear()
    assert not bench.run()
    assert bench.events == ["follow", "install 2.0", "install 2.1"]


def test_an_installation_from_a_stick_that_was_unplugged_is_no_failure_and_the_last_one(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.image("a.image", "2.0", "new")
    bench.image("b.image", "2.1", "newer")
    bench.rauc.refuses = RaucError("RAUC: Input/output error")

    def pull() -> None:
        bench.unplugged = True

    bench.rauc.after = pull
    assert bench.run()
    assert bench.events == ["follow", "install 2.0"]
    [line] = [record for record in caplog.records if "not installed" in record.message]
    assert line.levelname == "WARNING"
    assert "the running system stays: the stick was unplugged: RAUC: Input/output error" in line.message
    assert bench.lights == [Light.UPDATING, Light.FOUND]


def test_somebody_elses_installation_is_waited_for(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.image("a.image", "2.0", "new")
    bench.rauc.busy = RaucError("RAUC: no space")
    assert bench.run()
    assert bench.events == ["follow", "install 2.0", "reboot"]
    assert "the installation before ended: RAUC: no space" in caplog.text


def test_a_board_that_does_not_restart_is_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.image("a.image", "2.0", "new")
    bench.system.problem = "systemctl reboot: Access denied"
    assert not bench.run()
    assert "the board does not restart: systemctl reboot: Access denied" in caplog.text


def test_no_image_is_begun_while_the_system_goes_down(bench: Bench) -> None:
    bench.image("a.image", "2.0", "new")
    bench.system.down = True
    assert bench.run()
    assert bench.events == []


def test_a_record_that_cannot_be_written_does_not_keep_the_new_system_from_starting(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.image("a.image", "2.0", "new")
    bench.places.record.parent.write_text("a file where the folder should be")
    assert bench.run()
    assert bench.events[-1] == "reboot"
    assert "not written" in caplog.text


def test_after_a_rollback_it_stays_where_it_is(bench: Bench) -> None:
    bench.image("a.image", "2.0", "new")
    bench.run()
    bench.events.clear()
    bench.run()  # the board came back from A
    assert bench.events == ["follow"]
    # Somebody installs something else in between: now it counts as new.
    bench.rauc.running[1] = slot("B", "1.5", "between", 3)
    bench.run()
    assert bench.events[1:] == ["follow", "install 2.0", "reboot"]


def test_the_end_of_the_program_stops_waiting_for_rauc(bench: Bench) -> None:
    bench.image("a.image", "2.0", "new")

    def sigterm() -> None:
        bench.stop._arrived(15, None)

    bench.rauc.after = sigterm
    with pytest.raises(Stopped):
        bench.run()
    assert bench.events == ["follow", "install 2.0"]


def test_what_must_not_be_torn_apart_comes_to_its_end_first() -> None:
    stop = Stop()
    done = []

    def work() -> None:
        with stop.held():
            with stop.held():
                stop._arrived(15, None)
            done.append("inner")
        done.append("never")

    with pytest.raises(Stopped):
        work()
    assert done == ["inner"]
    with pytest.raises(ValueError, match="the error"), stop.held():
        raise ValueError("the error comes first")


def test_progress_is_a_few_lines(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.image("a.image", "2.0", "new")
    bench.run()
    assert caplog.text.count("Copying") == 6
