"""updated with everything real: broker, web server, curl, RAUC and two slots."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargectl.daemons import updated_system
from chargectl.daemons.updated_system import running_system
from chargectl.system.rauc import Rauc
from chargectl.update.history import Boot, GivenUp, History, Outcome, begin, to_json
from chargectl.update.record import Phase, Record, System
from chargectl.update.record import to_json as record_to_json
from chargectl.update.request import Origin, Request
from tests.broker import PrivateBroker, Recorder, wait_until
from tests.daemons.updated_rig import (
    MESSAGE,
    PROGRESS,
    RESULT,
    STATE,
    URL,
    Process,
    request,
    states,
    wait_listening,
)
from tests.ftp_server import FtpServer
from tests.rauc_rig import RaucRig, require
from tests.web_server import Resource, WebServer

FULL = ["downloading", "download-succeeded", "installing", "install-succeeded"]
GATED_HOOK = """#!/bin/sh
while [ ! -e {gate} ]; do sleep 0.02; done
"""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RaucRig]:
    require()
    with RaucRig(tmp_path_factory.mktemp("updated") / "rig", loop=True) as made:
        made.bundle("2.0", name="small.image")
        made.bundle("2.1", name="large.image", filler_bytes=2_000_000)
        made.bundle("2.2", name="delta.raucb")
        made.bundle("9.9", name="foreign.image", compatible="a toaster")
        yield made


@pytest.fixture
def web(rig: RaucRig) -> Iterator[WebServer]:
    names = ("small.image", "large.image", "delta.raucb", "foreign.image")
    with WebServer({name: Resource((rig.root / name).read_bytes()) for name in names}) as server:
        yield server


@pytest.fixture
def recorder(broker: PrivateBroker) -> Iterator[Recorder]:
    with Recorder(broker.port) as made:
        yield made


@pytest.fixture
def updated(tmp_path: Path, rig: RaucRig, broker: PrivateBroker, recorder: Recorder) -> Iterator[Process]:
    with Process(tmp_path / "updated", rig, broker.port) as process:
        wait_listening(recorder)
        recorder.clear()
        yield process


def result_of(recorder: Recorder, timeout: float = 60) -> tuple[str, str]:
    """Result and message of the update that was asked for last."""
    result = recorder.wait_for(RESULT, lambda text: text != "", timeout).text
    return result, recorder.payloads(MESSAGE)[-1]


def gate_in_slot(rig: RaucRig, tmp_path: Path, name: str, version: str) -> Path:
    """A bundle whose installation waits for the file that is returned."""
    gate = tmp_path / "gate"
    rig.bundle(version, name=name, hook=GATED_HOOK.format(gate=gate))
    return gate


@pytest.mark.spec(247, 249, 250, 251, 256)
def test_an_update_from_url_to_the_other_slot(
    rig: RaucRig, web: WebServer, recorder: Recorder, updated: Process
) -> None:
    recorder.clear()
    request(recorder, web.url("small.image"))
    assert result_of(recorder) == ("succeeded", "")
    assert states(recorder) == FULL
    assert rig.slot_text("B") == "VERSION=2.0\n"
    assert Rauc(rig.address).primary() == "rootfs.1"
    assert [int(text) for text in recorder.payloads(PROGRESS)][-1] == 100
    assert all(0 <= int(text) <= 100 for text in recorder.payloads(PROGRESS))
    assert recorder.payloads(RESULT) == ["succeeded"]
    assert all(message.retain for message in recorder.messages if message.path in (STATE, RESULT, MESSAGE))
    assert not updated.file.exists(), "the file is of no use any more"
    assert updated.process.poll() is None
    updated.wait_notified("WATCHDOG=1")
    assert updated.end() == 0
    recorder.wait_for("chargectl/updated/online", "0")


@pytest.mark.spec(249)
def test_an_update_over_ftp_with_credentials(rig: RaucRig, recorder: Recorder, updated: Process) -> None:
    data = (rig.root / "small.image").read_bytes()
    with FtpServer({"fw/update.image": data}, user="me", password="hunter2hunter2") as ftp:
        request(recorder, ftp.url("fw/update.image", "me:hunter2hunter2"))
        assert result_of(recorder) == ("succeeded", "")
    assert states(recorder) == FULL
    assert "hunter2hunter2" not in updated.log.read_text()
    assert not any("hunter2" in message.text for message in recorder.messages if message.path != URL)


@pytest.mark.spec(248, 250)
def test_trials_and_interval_are_latched_with_the_url(
    web: WebServer, recorder: Recorder, updated: Process
) -> None:
    web.files["small.image"].status = 503
    request(recorder, web.url("small.image"), trials="3", interval="1")
    recorder.publish("firmware/update/target/max_trials", "1")
    recorder.publish("firmware/update/target/interval", "3600")
    result, message = result_of(recorder)
    assert (result, "503" in message) == ("failed", True)
    assert states(recorder) == ["downloading", "download-failed"] * 3
    assert len(web.requests("small.image")) == 3
    assert len(recorder.payloads(MESSAGE)) == 3
    assert recorder.payloads(RESULT) == ["failed"]


@pytest.mark.spec(248)
@pytest.mark.parametrize("text", ["", "0", "-3", "many"])
def test_wrong_trials_are_one_without_a_word(
    web: WebServer, recorder: Recorder, updated: Process, text: str
) -> None:
    web.files["small.image"].status = 404
    request(recorder, "ftp://h/x.txt\x01", trials="5", interval="5")
    request(recorder, web.url("small.image"), trials=text, interval=text)
    assert result_of(recorder)[0] == "failed"
    assert len(web.requests("small.image")) == 1
    assert "max_trials" not in updated.log.read_text()


@pytest.mark.spec(257, 256)
def test_a_delta_update_is_tested_and_repeated_as_a_whole(
    rig: RaucRig, web: WebServer, recorder: Recorder, updated: Process
) -> None:
    web.files["delta.raucb"] = Resource(b"this is no bundle")
    request(recorder, web.url("delta.raucb"), trials="2")
    assert result_of(recorder)[0] == "failed"
    attempt = ["downloading", "download-succeeded", "installing", "install-failed"]
    assert states(recorder) == attempt * 2
    assert len(web.requests("delta.raucb", "HEAD")) == 2
    assert len(web.requests("delta.raucb", "GET")) >= 2
    recorder.clear()
    web.files["delta.raucb"].head_status = 403
    request(recorder, web.url("delta.raucb"))
    result, message = result_of(recorder)
    assert (result, "403" in message) == ("failed", True)
    assert states(recorder)[-2:] == ["downloading", "download-failed"]
    recorder.clear()
    web.files["delta.raucb"] = Resource((rig.root / "delta.raucb").read_bytes())
    request(recorder, web.url("delta.raucb"))
    assert result_of(recorder) == ("succeeded", "")
    assert rig.slot_text("B") == "VERSION=2.2\n"
    assert not updated.file.exists()


@pytest.mark.spec(256)
def test_the_credentials_of_a_delta_update_stay_here(
    rig: RaucRig, web: WebServer, recorder: Recorder, updated: Process
) -> None:
    web.files["delta.raucb"].credentials = ("me", "hunter2hunter2")
    request(recorder, web.url("delta.raucb", "me:hunter2hunter2"))
    assert result_of(recorder) == ("succeeded", "")
    for text in (rig.log.read_text(), updated.log.read_text(), json.dumps(updated.record)):
        assert "hunter2" not in text
        assert "bWU6aHVudGVyMmh1bnRlcjI" not in text, "nor in the words of a header"


def test_a_bundle_that_is_not_for_this_device(
    rig: RaucRig, web: WebServer, recorder: Recorder, updated: Process
) -> None:
    before = Rauc(rig.address).primary()
    request(recorder, web.url("foreign.image"), trials="3")
    result, message = result_of(recorder)
    assert result == "failed"
    assert "Compatible mismatch" in message
    assert states(recorder) == ["downloading", "download-succeeded", "installing", "install-failed"]
    assert Rauc(rig.address).primary() == before
    assert not updated.file.exists()


@pytest.mark.spec(250)
def test_a_link_that_breaks_is_resumed_within_one_trial(
    web: WebServer, recorder: Recorder, updated: Process
) -> None:
    resource = web.files["large.image"]
    resource.cut_after, resource.cuts = 900_000, 2
    request(recorder, web.url("large.image"))
    assert result_of(recorder) == ("succeeded", "")
    assert sum(seen.sent for seen in web.requests("large.image")) == len(resource.data)
    assert len(web.requests("large.image")) == 3


def test_a_killed_updated_goes_on_with_the_download(
    tmp_path: Path, rig: RaucRig, broker: PrivateBroker, web: WebServer, recorder: Recorder, updated: Process
) -> None:
    resource = web.files["large.image"]
    resource.credentials = ("me", "hunter2hunter2")
    resource.gate = threading.Event()
    request(recorder, web.url("large.image", "me:hunter2hunter2"))
    wait_until(lambda: updated.file.exists() and updated.file.stat().st_size > 0, 30)
    wait_until((updated.file.parent / "update.json").exists, 30)
    assert oct((updated.folder / "request.json").stat().st_mode & 0o777) == "0o600"
    updated.end(signal.SIGKILL)
    resource.gate.set()
    there = updated.file.stat().st_size
    recorder.clear()
    with Process(tmp_path / "updated", rig, broker.port) as again:
        assert result_of(recorder) == ("succeeded", "")
        assert web.requests("large.image")[-1].range == f"bytes={there}-"
        assert "hunter2" not in again.log.read_text()
        assert "hunter2" not in json.dumps(again.record)
    assert rig.slot_text("B") == "VERSION=2.1\n"


def test_a_restarted_updated_finds_the_installation_and_its_end(
    tmp_path: Path, rig: RaucRig, broker: PrivateBroker, web: WebServer, recorder: Recorder, updated: Process
) -> None:
    gate = gate_in_slot(rig, tmp_path, "slow.image", "4.0")
    web.files["slow.image"] = Resource((rig.root / "slow.image").read_bytes())
    request(recorder, web.url("slow.image"))
    recorder.wait_for(STATE, "installing")
    wait_until(Rauc(rig.address).installing, 30)
    request(recorder, web.url("small.image"))
    wait_until(lambda: "not carried out" in updated.log.read_text(), 30)
    assert updated.end() == 0
    recorder.clear()
    with Process(tmp_path / "updated", rig, broker.port):
        recorder.wait_for(STATE, "installing")
        gate.touch()
        assert result_of(recorder) == ("succeeded", "")
        recorder.clear()
    rig_version = rig.slot_text("B")
    with Process(tmp_path / "updated", rig, broker.port):
        recorder.wait_for(RESULT, "succeeded")
        assert states(recorder) == ["install-succeeded"]
    assert rig_version == "VERSION=4.0\n"
    assert web.requests("small.image") == []


def test_a_newer_url_replaces_a_download(
    rig: RaucRig, web: WebServer, recorder: Recorder, updated: Process
) -> None:
    gate = web.files["large.image"].gate = threading.Event()
    request(recorder, web.url("large.image"), trials="5", interval="3600")
    wait_until(updated.file.exists, 30)
    request(recorder, web.url("small.image"))
    assert result_of(recorder) == ("succeeded", "")
    gate.set()
    assert rig.slot_text("B") == "VERSION=2.0\n"
    assert states(recorder) == FULL


def test_raucs_service_dies_during_the_installation(
    tmp_path: Path, rig: RaucRig, web: WebServer, recorder: Recorder, updated: Process
) -> None:
    gate = gate_in_slot(rig, tmp_path, "dying.raucb", "5.0")
    web.files["dying.raucb"] = Resource((rig.root / "dying.raucb").read_bytes())
    request(recorder, web.url("dying.raucb"), trials="2", interval="1")
    recorder.wait_for(STATE, "installing")
    wait_until(Rauc(rig.address).installing, 30)
    rig.stop_service(signal.SIGKILL)
    recorder.wait_for(MESSAGE, "RAUC: the service ended during the installation")
    assert recorder.payloads(RESULT) == []
    rig.start_service()
    gate.touch()
    assert result_of(recorder) == ("succeeded", "")
    attempt = ["downloading", "download-succeeded", "installing"]
    assert states(recorder) == [*attempt, "install-failed", *attempt, "install-succeeded"]
    assert rig.slot_text("B") == "VERSION=5.0\n"


def test_a_broker_that_goes_away_costs_nothing(
    tmp_path: Path, rig: RaucRig, broker: PrivateBroker, web: WebServer
) -> None:
    gate = web.files["large.image"].gate = threading.Event()
    with Recorder(broker.port) as recorder, Process(tmp_path / "updated", rig, broker.port) as process:
        wait_listening(recorder)
        request(recorder, web.url("large.image"))
        recorder.wait_for(STATE, "downloading")
        broker.stop()
        recorder.wait_disconnected()
        recorder.clear()
        gate.set()
        wait_until(lambda: process.record["phase"] == "installed", 60)
        broker.start()
        recorder.wait_for(RESULT, "succeeded")
        recorder.wait_for(STATE, "install-succeeded")


@pytest.mark.spec(247)
def test_a_retained_url_installs_nothing_again(
    tmp_path: Path, rig: RaucRig, broker: PrivateBroker, web: WebServer, recorder: Recorder
) -> None:
    web.files["small.image"].status = 404
    recorder.publish("firmware/update/target/max_trials", "2", retain=True)
    recorder.publish(URL, web.url("small.image"), retain=True)
    try:
        with Process(tmp_path / "updated", rig, broker.port) as process:
            wait_listening(recorder)
            wait_until(lambda: "retained URL" in process.log.read_text(), 30)
            assert web.seen == []
            recorder.publish(URL, "", retain=True)
            request(recorder, web.url("small.image"))
            assert result_of(recorder)[0] == "failed"
            assert len(web.requests("small.image")) == 2, "a retained number of trials counts"
    finally:
        recorder.publish("firmware/update/target/max_trials", "", retain=True)
        recorder.publish(URL, "", retain=True)


def test_a_flood_of_requests_ends_with_the_last_one(
    rig: RaucRig, web: WebServer, recorder: Recorder, updated: Process
) -> None:
    for number in range(300):
        recorder.publish(URL, web.url(f"missing-{number}.image"))
    recorder.publish(URL, "scp://me:hunter2hunter2@h/u")
    recorder.publish(URL, "not a url")
    request(recorder, web.url("small.image"))
    recorder.wait_for(RESULT, "succeeded", 60)
    assert rig.slot_text("B") == "VERSION=2.0\n"
    assert "hunter2" not in updated.log.read_text()


def history(*, just_now: bool) -> History:
    """Version 2.0 was tried three times, then the board went back to A."""
    found: History = ()
    for number in range(3):
        boot = Boot(f"b{number}", "B", "2.0", "2026-01-01T00:00:00Z", Outcome.FAILED, "portd is not ready")
        found = begin(found, boot)
    found = begin(found, Boot("back", "A", "1.0", "2026-01-01T00:09:00Z", given_up=GivenUp("B", "2.0")))
    if not just_now:
        found = (*found[:-1], Boot("back", "A", "1.0", "", Outcome.GOOD))
        found = begin(found, Boot("later", "A", "1.0", "2026-01-02T00:00:00Z"))
    return found


@pytest.mark.spec(250)
@pytest.mark.parametrize("just_now", [True, False])
def test_a_rollback_is_the_result_after_the_boot(
    tmp_path: Path, rig: RaucRig, broker: PrivateBroker, recorder: Recorder, just_now: bool
) -> None:
    folder = tmp_path / "updated"
    folder.mkdir()
    (folder / "boots.json").write_text(json.dumps(to_json(history(just_now=just_now))))
    with Process(folder, rig, broker.port):
        wait_listening(recorder)
        found = recorder.wait_for(RESULT, "failed" if just_now else "")
        message = recorder.payloads(MESSAGE)[-1]
    assert found.retain
    assert ("portd is not ready" in message and "2.0" in message) is just_now


def test_where_the_kernel_does_not_tell_the_history_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boots = tmp_path / "boots.json"
    boots.write_text(json.dumps(to_json(history(just_now=False))))
    assert running_system(boots).boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    def hidden() -> str:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(updated_system, "boot_id", hidden)
    assert running_system(boots) == System("later", "A")
    assert running_system(tmp_path / "none") == System("")


def test_a_download_ends_with_the_program(
    rig: RaucRig, web: WebServer, recorder: Recorder, updated: Process
) -> None:
    web.files["large.image"].gate = threading.Event()
    request(recorder, web.url("large.image"))
    wait_until(updated.file.exists, 30)
    children = [
        int(child)
        for thread in Path(f"/proc/{updated.process.pid}/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]
    assert updated.end() == 0
    assert children
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []


def test_a_damaged_record_and_a_full_disk_are_told(
    tmp_path: Path, rig: RaucRig, broker: PrivateBroker, web: WebServer, recorder: Recorder
) -> None:
    folder = tmp_path / "updated"
    (folder / "download").mkdir(parents=True)
    (folder / "download" / "request.json").write_bytes(b"\0" * 100)
    (folder / "download" / "file").write_text("in the way")
    with Process(folder, rig, broker.port) as process:
        wait_listening(recorder)
        assert recorder.payloads(STATE)[-1:] == ["idle"]
        recorder.clear()
        request(recorder, web.url("small.image"))
        result, message = result_of(recorder)
        assert result == "failed"
        assert message.endswith("file: File exists")
        log = process.log.read_text()
        assert "request.json cannot be used" in log
        assert "Traceback" not in log


def test_without_rauc_and_without_a_broker_it_runs(tmp_path: Path, rig: RaucRig, web: WebServer) -> None:
    late = PrivateBroker(tmp_path / "broker")
    port = late.start()
    late.stop()
    with Process(tmp_path / "updated", rig, port) as process:
        process.wait_notified("WATCHDOG=1")
        late.start()
        rig.stop_service()
        try:
            with Recorder(port) as recorder:
                wait_listening(recorder)
                request(recorder, web.url("small.image"))
                result, message = result_of(recorder)
            assert (result, "not on the bus" in message) == ("failed", True)
        finally:
            rig.start_service()
            late.stop()


def test_the_charging_software_comes_first(web: WebServer, recorder: Recorder, updated: Process) -> None:
    gate = web.files["large.image"].gate = threading.Event()
    request(recorder, web.url("large.image"))
    wait_until(updated.file.exists, 30)
    threads = Path(f"/proc/{updated.process.pid}/task").iterdir()
    found = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    own = os.getpriority(os.PRIO_PROCESS, updated.process.pid)
    assert [os.getpriority(os.PRIO_PROCESS, child) for child in found] == [max(own, 10)]
    gate.set()
    assert result_of(recorder) == ("succeeded", "")


VERSION = "ci/global/version/charging_software"


@pytest.mark.spec(258)
def test_the_version_is_told_once_the_boot_is_accepted(
    tmp_path: Path, broker: PrivateBroker, rig: RaucRig, recorder: Recorder
) -> None:
    # What a broker has kept from the boot before must not say that this one is operational.
    recorder.publish(VERSION, "1.9", retain=True)
    with Process(tmp_path / "own", rig, broker.port) as daemon:
        recorder.wait_for(VERSION, "")
        daemon.release.write_text("VERSION=2.0\nBUILD=2026-11-21T00:00:00Z\n")
        daemon.healthy.touch()
        recorder.wait_for(VERSION, "2.0")
        # A broker that forgets is told again.
        broker.stop()
        broker.start()
        with Recorder(broker.port, VERSION) as late:
            late.wait_for(VERSION, "2.0")
            assert [message.retain for message in late.messages if message.text == "2.0"] == [True]
        assert recorder.payloads(VERSION)[:3] == ["1.9", "", "2.0"]


def test_an_update_for_ocpp_ends_when_its_boot_is_accepted(
    tmp_path: Path, broker: PrivateBroker, rig: RaucRig, recorder: Recorder
) -> None:
    asked = Request("http://h/u.image", origin=Origin.OCPP)
    record = Record("before", "A", Phase.INSTALLED, asked, 1, "install-succeeded", "succeeded")
    folder = tmp_path / "own"
    (folder / "download").mkdir(parents=True)
    (folder / "download/request.json").write_text(json.dumps(record_to_json(record)))
    for _ in range(2):
        # A try that is not accepted leaves what is on record to the next one.
        with Process(folder, rig, broker.port) as daemon:
            wait_listening(recorder)
            assert daemon.record == record_to_json(record)
            recorder.clear()
    with Process(folder, rig, broker.port) as daemon:
        daemon.release.write_text("VERSION=2.0\nBUILD=2026-11-21T00:00:00Z\n")
        daemon.healthy.touch()
        wait_until(lambda: daemon.record["phase"] == "idle")
        assert (daemon.record["origin"], daemon.record["firmware_status"]) == ("ocpp", "Installed")
