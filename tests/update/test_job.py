"""The update as a state machine, played event by event."""

from __future__ import annotations

import pytest

from chargectl.declarations import topics
from chargectl.update.job import PROGRESS_MS, UNKNOWN, Updater, message_text
from chargectl.update.record import Phase, Record, System
from chargectl.update.request import Origin, Request
from chargectl.update.steps import (
    Abandon,
    Accepted,
    Check,
    Discard,
    Download,
    Effect,
    Event,
    Failed,
    Fetched,
    Follow,
    Install,
    Installed,
    Note,
    Progress,
    Publish,
    Reported,
    Requested,
    Save,
    Session,
    Tick,
)

STATE = topics.TOPIC_FIRMWARE_UPDATE_STATE_ACTUAL
PROGRESS = topics.TOPIC_FIRMWARE_UPDATE_STATE_PROGRESS
RESULT = topics.TOPIC_FIRMWARE_UPDATE_RESULT_STATE
MESSAGE = topics.TOPIC_FIRMWARE_UPDATE_RESULT_MESSAGE

IMAGE = "http://h/u.image"
DELTA = "http://h/u.raucb"
FILE = "/srv/update.image"
NOW = System("b1", "A")


class Play:
    """An updater, its clock, and everything it has said."""

    def __init__(self, record: Record | None = None, system: System = NOW, utc_s: int = 0) -> None:
        self.now = 0
        self.updater = Updater(system)
        self.effects: list[Effect] = []
        self.last = self._note(self.updater.start(record, self.now, utc_s))

    def _note(self, effects: list[Effect]) -> list[Effect]:
        self.effects += effects
        self.last = effects
        return effects

    def tell(self, event: Event) -> list[Effect]:
        return self._note(self.updater.handle(event, self.now))

    def ask(self, url: str = IMAGE, trials: int = 1, interval: int = 0, origin: Origin = Origin.MQTT) -> None:
        self.tell(Requested(Request(url, trials, interval, origin)))

    def fetched(self, path: str = FILE) -> None:
        self.tell(Fetched(self.ticket, path))

    def installed(self) -> None:
        self.tell(Installed(self.ticket))

    def fail(self, reason: str) -> None:
        self.tell(Failed(self.ticket, reason))

    def at_deadline(self) -> None:
        assert self.updater.deadline_ms is not None
        self.now = self.updater.deadline_ms
        self.tell(Tick())

    @property
    def ticket(self) -> int:
        """The newest task's."""
        return next(
            effect.ticket
            for effect in reversed(self.effects)
            if isinstance(effect, Download | Check | Install | Follow)
        )

    def published(self, topic: object) -> list[object]:
        return [
            effect.value for effect in self.effects if isinstance(effect, Publish) and effect.topic is topic
        ]

    def states(self) -> list[object]:
        return self.published(STATE)

    @property
    def record(self) -> Record:
        return next(effect.record for effect in reversed(self.effects) if isinstance(effect, Save))

    def did(self, *kinds: type) -> list[Effect]:
        return [effect for effect in self.last if isinstance(effect, kinds)]


@pytest.mark.spec(249, 250)
def test_after_boot_nothing_goes_on() -> None:
    play = Play()
    assert play.states() == ["idle"]
    assert play.published(RESULT) == [""]
    assert play.published(MESSAGE) == [""]
    assert play.published(PROGRESS) == [0]
    assert play.updater.deadline_ms is None


@pytest.mark.spec(249, 250, 256)
def test_a_file_is_downloaded_then_installed() -> None:
    play = Play()
    play.ask()
    assert play.did(Download, Check, Install) == [Download(1, Request(IMAGE))]
    play.fetched()
    assert play.did(Download, Check, Install) == [Install(2, Request(IMAGE), FILE)]
    assert play.published(RESULT) == [""]
    play.installed()
    assert play.states() == [
        *("idle", "downloading", "download-succeeded", "installing", "install-succeeded"),
    ]
    assert play.published(RESULT) == ["", "succeeded"]
    assert play.published(MESSAGE) == ["", ""]
    assert play.did(Discard) == [Discard()]


@pytest.mark.spec(256, 257)
def test_a_delta_update_is_tested_then_handed_over_as_it_is() -> None:
    play = Play()
    play.ask(DELTA)
    assert play.did(Download, Check, Install) == [Check(1, Request(DELTA))]
    play.fetched("")
    assert play.did(Download, Check, Install) == [Install(2, Request(DELTA), "")]
    play.installed()
    assert play.states()[1:] == ["downloading", "download-succeeded", "installing", "install-succeeded"]


@pytest.mark.spec(257)
def test_a_delta_update_over_ftp_is_not_tested() -> None:
    play = Play()
    play.ask("ftp://h/u.raucb")
    assert not play.did(Download, Check)
    assert play.did(Install) == [Install(2, Request("ftp://h/u.raucb"), "")]
    assert play.states()[1:] == ["downloading", "download-succeeded", "installing"]


@pytest.mark.spec(248, 250)
def test_a_download_is_tried_as_often_as_asked_with_the_interval_in_between() -> None:
    play = Play()
    play.ask(trials=3, interval=7)
    for number in (1, 2):
        play.now += 100
        play.fail(f"reason {number}")
        assert play.updater.deadline_ms == play.now + 7000
        assert play.published(MESSAGE)[-1] == f"reason {number}"
        assert play.published(RESULT) == [""]
        play.now += 6999
        assert play.tell(Tick()) == []
        play.at_deadline()
        assert len(play.did(Download)) == 1
    play.fail("reason 3")
    assert play.updater.deadline_ms is None
    assert play.published(RESULT) == ["", "failed"]
    assert play.published(MESSAGE) == ["", "reason 1", "reason 2", "reason 3"]
    assert play.states()[1:] == ["downloading", "download-failed"] * 3
    assert not play.did(Discard), "what has arrived is of use when the same URL is asked for again"


@pytest.mark.spec(248)
def test_without_an_interval_the_next_trial_follows_at_once() -> None:
    play = Play()
    play.ask(trials=2)
    play.fail("x")
    assert play.updater.deadline_ms == play.now
    assert play.tell(Tick())


@pytest.mark.spec(250)
def test_the_first_success_ends_it() -> None:
    play = Play()
    play.ask(trials=5)
    play.fail("x")
    play.at_deadline()
    play.fetched()
    play.installed()
    assert play.published(RESULT) == ["", "succeeded"]
    assert play.published(MESSAGE) == ["", "x", ""]
    assert play.updater.deadline_ms is None


@pytest.mark.spec(248)
def test_a_file_is_installed_once() -> None:
    play = Play()
    play.ask(trials=3)
    play.fetched()
    play.fail("signature")
    assert play.states()[-1] == "install-failed"
    assert play.published(RESULT)[-1] == "failed"
    assert play.published(MESSAGE)[-1] == "signature"
    assert play.updater.deadline_ms is None
    assert play.did(Discard)


@pytest.mark.spec(257)
def test_the_whole_installation_of_a_delta_update_is_repeated() -> None:
    play = Play()
    play.ask(DELTA, trials=3, interval=1)
    play.fetched("")
    play.fail("chunk missing")
    assert play.states()[-1] == "install-failed"
    assert play.published(RESULT) == [""]
    play.at_deadline()
    assert play.did(Check)
    play.fail("no answer to HEAD")
    assert play.states()[-1] == "download-failed"
    play.at_deadline()
    play.fetched("")
    play.fail("chunk missing again")
    assert play.published(RESULT) == ["", "failed"]
    assert play.states()[1:] == [
        *("downloading", "download-succeeded", "installing", "install-failed"),
        *("downloading", "download-failed"),
        *("downloading", "download-succeeded", "installing", "install-failed"),
    ]


@pytest.mark.spec(250)
def test_who_waits_for_the_result_finds_message_and_state_before_it() -> None:
    play = Play()
    play.ask()
    play.fail("why")
    order = [effect.topic for effect in play.last if isinstance(effect, Publish)]
    assert order == [STATE, MESSAGE, RESULT]
    assert all(effect.again for effect in play.last if isinstance(effect, Publish) and effect.topic is RESULT)


@pytest.mark.spec(250)
def test_progress_grows_in_percent_and_not_too_often() -> None:
    play = Play()
    play.ask()
    ticket = play.ticket
    for percent in (3, 4, 5):
        play.tell(Progress(ticket, percent))
    assert play.published(PROGRESS) == [0, 0, 3]
    play.now += PROGRESS_MS
    play.tell(Progress(ticket, 5))
    play.now += PROGRESS_MS
    play.tell(Progress(ticket, 5))
    play.tell(Progress(ticket, 4))
    assert play.published(PROGRESS)[3:] == [5]
    play.now += PROGRESS_MS
    play.tell(Progress(ticket, 250))
    play.fetched()
    assert play.published(PROGRESS)[4:] == [100, 100, 0]
    play.tell(Progress(play.ticket, -3))
    play.now += PROGRESS_MS
    play.tell(Progress(play.ticket, 80))
    assert play.published(PROGRESS)[7:] == [0, 80]
    play.installed()
    play.tell(Progress(play.ticket, 90))
    assert play.published(PROGRESS)[9:] == [100]


@pytest.mark.parametrize("origin", list(Origin))
def test_a_newer_request_replaces_one_that_downloads(origin: Origin) -> None:
    play = Play()
    play.ask(trials=5)
    old = play.ticket
    play.ask("http://h/new.image", origin=origin)
    assert play.did(Abandon) == [Abandon(old)]
    assert play.last.index(Abandon(old)) < play.last.index(play.did(Download)[0])
    assert play.tell(Fetched(old, FILE)) == []
    assert play.tell(Failed(old, "late")) == []
    assert play.tell(Progress(old, 70)) == []
    play.fail("new one's reason")
    assert play.published(RESULT) == ["", "failed"], "the trials of the first one are not the second one's"


def test_a_newer_request_replaces_one_that_waits() -> None:
    play = Play()
    play.ask(trials=5, interval=3600)
    play.fail("x")
    play.ask("http://h/new.image")
    assert play.did(Abandon) == []
    assert play.did(Download) == [Download(2, Request("http://h/new.image"))]
    assert play.updater.deadline_ms is None


@pytest.mark.spec(254)
@pytest.mark.parametrize("origin", list(Origin))
def test_a_newer_request_replaces_one_whose_time_has_not_come(origin: Origin) -> None:
    play = Play()
    first, second = (Request(url, origin=origin, not_before_s=1000) for url in (IMAGE, DELTA))
    play.tell(Requested(first, utc_s=900))
    assert play.updater.phase is Phase.SCHEDULED
    assert play.updater.deadline_ms == 100_000
    assert play.states() == ["idle"]
    play.tell(Requested(second, utc_s=990))
    assert play.updater.deadline_ms == 10_000
    play.at_deadline()
    assert play.did(Check) == [Check(1, second)]
    assert play.did(Download) == []


@pytest.mark.spec(254)
@pytest.mark.parametrize("origin", list(Origin))
@pytest.mark.parametrize("first", list(Origin))
def test_a_request_during_an_installation_changes_nothing(first: Origin, origin: Origin) -> None:
    play = Play()
    play.ask(origin=first)
    play.fetched()
    play.ask("http://h/new.image", origin=origin)
    assert [type(effect) for effect in play.last] == [Note]
    play.installed()
    assert play.record.request.url == IMAGE
    assert play.published(RESULT)[-1] == "succeeded"


def test_after_an_update_another_one_may_follow() -> None:
    play = Play()
    play.ask()
    play.fetched()
    play.installed()
    play.ask(DELTA)
    assert play.states()[-2:] == ["install-succeeded", "downloading"]
    assert play.published(RESULT)[-1] == "succeeded", "still the last operation's result"
    play.fail("no")
    assert play.published(RESULT)[-1] == "failed"


@pytest.mark.spec(251)
def test_only_some_origins_ask_for_a_reboot() -> None:
    for origin, due in ((Origin.MQTT, False), (Origin.USB, True), (Origin.OCPP, True)):
        play = Play()
        play.ask(origin=origin)
        play.fetched()
        assert not play.updater.reboot_due
        play.installed()
        assert play.updater.reboot_due is due


def test_a_reboot_for_ocpp_waits_for_the_session() -> None:
    play = Play()
    play.tell(Session(True))
    play.ask(origin=Origin.OCPP)
    play.fetched()
    play.installed()
    assert not play.updater.reboot_due
    play.tell(Session(False))
    assert play.updater.reboot_due
    play.ask(origin=Origin.OCPP)
    assert not play.updater.reboot_due, "a newer update is fetched first"


def test_the_firmware_status_is_told_for_ocpp_only() -> None:
    told = {}
    for origin in Origin:
        play = Play()
        seen = [play.updater.firmware_status]
        play.ask(DELTA, trials=2, origin=origin)
        seen.append(play.updater.firmware_status)
        play.fail("x")
        seen.append(play.updater.firmware_status)
        play.at_deadline()
        play.fetched("")
        seen.append(play.updater.firmware_status)
        play.fail("y")
        seen.append(play.updater.firmware_status)
        told[origin] = seen
    assert told[Origin.OCPP] == ["", "Downloading", "DownloadFailed", "Installing", "InstallationFailed"]
    assert told[Origin.MQTT] == told[Origin.USB] == [""] * 5


def installed_record(origin: Origin) -> Record:
    play = Play()
    play.ask("http://me:secret@h/u.image", origin=origin)
    assert "secret" in play.record.request.url, "needed to go on after a restart"
    play.fetched()
    play.installed()
    assert "secret" not in play.record.request.url
    return play.record


def test_ocpp_hears_of_the_installation_when_the_new_system_was_found_good() -> None:
    play = Play(installed_record(Origin.OCPP), System("b2", "B"))
    assert play.updater.firmware_status == "", "it may still fail"
    assert play.published(RESULT) == [""]
    assert play.states() == ["idle"]
    assert not play.updater.reboot_due
    play.tell(Accepted())
    assert play.updater.firmware_status == "Installed"
    assert not play.updater.reboot_due
    assert play.tell(Accepted()) == [], "said twice"


def test_three_failed_tries_and_the_way_back_are_a_failed_installation() -> None:
    """As a board goes through them: each try of the new system starts this daemon."""
    record = installed_record(Origin.OCPP)
    for number in (2, 3, 4):
        play = Play(record, System(f"b{number}", "B"))
        assert play.updater.firmware_status == ""
        assert play.did(Save) == [], "what is on record is needed by the next try"
    back = Play(record, System("b5", "A", "version 2.0 in slot B did not come up in 3 tries"))
    assert back.updater.firmware_status == "InstallationFailed"
    assert back.record.request.origin is Origin.OCPP


@pytest.mark.parametrize(
    ("system", "status"),
    [(System("b2", "B"), "Installed"), (System("b2", "A", "went back"), "InstallationFailed")],
)
def test_how_it_ended_is_kept_until_ocpp_has_been_told(system: System, status: str) -> None:
    play = Play(installed_record(Origin.OCPP), system)
    play.tell(Accepted())
    restarted = Play(play.record, system)
    assert restarted.updater.firmware_status == status
    rebooted = Play(play.record, System("b3", system.slot))
    assert rebooted.updater.firmware_status == status
    rebooted.tell(Reported("Downloading"))
    assert rebooted.updater.firmware_status == status, "an earlier one was told"
    rebooted.tell(Reported(status))
    assert rebooted.updater.firmware_status == ""
    assert rebooted.tell(Reported(status)) == []
    assert Play(rebooted.record, System("b4", system.slot)).updater.firmware_status == ""


def test_a_new_request_has_a_status_of_its_own() -> None:
    play = Play(installed_record(Origin.OCPP), System("b2", "B"))
    play.tell(Accepted())
    play.ask(origin=Origin.MQTT)
    assert play.updater.firmware_status == ""


@pytest.mark.parametrize("origin", [Origin.MQTT, Origin.USB])
def test_other_origins_end_with_the_first_good_boot_too(origin: Origin) -> None:
    play = Play(installed_record(origin), System("b2", "B"))
    play.tell(Accepted())
    assert play.updater.firmware_status == ""
    assert play.record.phase is Phase.IDLE


@pytest.mark.parametrize("rollback", ["", "version 2.0 in slot B did not come up in 3 tries"])
def test_ocpp_hears_of_a_way_back(rollback: str) -> None:
    play = Play(installed_record(Origin.OCPP), System("b2", "A", rollback))
    assert play.updater.firmware_status == "InstallationFailed"
    assert play.published(RESULT) == ["failed"]
    assert play.published(MESSAGE) == [rollback or UNKNOWN]


@pytest.mark.spec(250)
def test_a_rollback_is_the_result_after_the_boot() -> None:
    text = "version 2.0 in slot B did not come up in 3 tries: portd is not ready; running 1.0 from slot A"
    for record in (None, installed_record(Origin.MQTT)):
        play = Play(record, System("b2", "A", text))
        assert play.states() == ["idle"]
        assert play.published(RESULT) == ["failed"]
        assert play.published(MESSAGE) == [text]
        assert play.updater.firmware_status == ""


@pytest.mark.spec(250)
def test_after_the_boot_of_a_good_update_there_is_no_result() -> None:
    play = Play(installed_record(Origin.MQTT), System("b2", "B"))
    assert play.states() == ["idle"]
    assert play.published(RESULT) == [""]
    assert play.published(MESSAGE) == [""]


@pytest.mark.spec(250)
def test_a_restart_of_the_daemon_forgets_no_result() -> None:
    play = Play(installed_record(Origin.MQTT))
    assert play.states() == ["install-succeeded"]
    assert play.published(RESULT) == ["succeeded"]
    assert play.did(Download, Check, Install, Follow) == []
    failed = Play()
    failed.ask()
    failed.fail("why")
    again = Play(failed.record)
    assert (again.states(), again.published(RESULT)) == (["download-failed"], ["failed"])
    assert again.published(MESSAGE) == ["why"]


def test_a_trial_that_was_cut_short_counts_once() -> None:
    before = Play()
    before.ask(trials=2)
    after = Play(before.record)
    after.fail("one")
    assert after.updater.deadline_ms is not None
    after.at_deadline()
    after.fail("two")
    assert after.published(RESULT)[-1] == "failed"


@pytest.mark.spec(248)
def test_each_request_has_all_its_trials() -> None:
    play = Play()
    for _ in range(2):
        play.ask(trials=2)
        play.fail("one")
        play.at_deadline()
        play.fail("two")
        assert play.updater.deadline_ms is None
        play.ask(trials=2)
        play.fail("one")
        play.ask(trials=2)
        play.fail("one")
        assert play.updater.deadline_ms is not None


def test_where_slots_are_not_known_no_way_back_is_claimed() -> None:
    before = Play(system=System("b1"))
    before.ask()
    before.fetched()
    before.installed()
    assert Play(before.record, System("b2")).published(RESULT) == [""]


def test_boots_without_an_id_are_never_taken_for_one() -> None:
    before = Play(system=System(""))
    before.ask()
    after = Play(before.record, System(""))
    assert after.states() == ["idle"]
    assert after.did(Download) == []


def test_a_restart_of_the_daemon_goes_on_with_the_same_trial() -> None:
    before = Play()
    before.ask(trials=2, interval=5)
    before.fail("one")
    before.at_deadline()
    after = Play(before.record)
    assert len(after.did(Download)) == 1
    assert after.published(MESSAGE)[-1] == "one"
    after.fail("two")
    assert after.published(RESULT)[-1] == "failed"


def test_a_restart_of_the_daemon_between_two_trials_begins_the_next_one() -> None:
    before = Play()
    before.ask(trials=2, interval=5)
    before.fail("one")
    after = Play(before.record)
    assert len(after.did(Download)) == 1
    after.fail("two")
    assert after.published(RESULT)[-1] == "failed"


def test_a_restart_of_the_daemon_during_an_installation_finds_its_end() -> None:
    before = Play()
    before.ask()
    before.fetched()
    for end, state in (
        (Installed, "install-succeeded"),
        (lambda ticket: Failed(ticket, "x"), "install-failed"),
    ):
        after = Play(before.record)
        assert after.did(Download, Check, Install, Follow) == [Follow(1)]
        after.tell(end(1))
        assert after.states() == ["installing", "installing", state]


def test_a_restart_of_the_daemon_keeps_the_time_of_a_request() -> None:
    before = Play()
    before.tell(Requested(Request(IMAGE, not_before_s=1000), utc_s=900))
    after = Play(before.record, utc_s=950)
    assert after.did(Download) == []
    assert after.updater.deadline_ms == 50_000
    assert after.states() == ["idle"]
    late = Play(before.record, utc_s=2000)
    assert len(late.did(Download)) == 1


@pytest.mark.parametrize("installing", [False, True])
def test_a_restart_of_the_board_ends_an_update_but_one_for_ocpp(installing: bool) -> None:
    for origin, goes_on in ((Origin.MQTT, False), (Origin.OCPP, True)):
        before = Play()
        before.ask("http://me:secret@h/u.image", origin=origin)
        if installing:
            before.fetched()
        after = Play(before.record, System("b2", "A"))
        assert bool(after.did(Download)) is goes_on
        assert after.published(RESULT) == [""]
        if not goes_on:
            assert after.states() == ["idle"]
            assert "secret" not in after.record.request.url


def test_messages_are_one_printable_line_that_a_topic_takes() -> None:
    assert message_text(" a\n b\tc\x00d ") == "a b c d"
    assert message_text("\N{SNOWMAN}" * 900) == "\N{SNOWMAN}" * 300
