"""The update as a state machine: events and a time in, effects and the next deadline out (guide 11.5, 11.6).

    idle -> downloading -> download-succeeded -> installing -> install-succeeded
               |   ^                                 |
               v   | next trial                      v
            download-failed                     install-failed

A file is downloaded in up to ``max_trials`` trials and installed once. A delta update (``.raucb``) is fetched
by RAUC while it installs: "downloading" then is the test of its URL, and a trial is test and installation.

One update at a time. A request that arrives while another one is scheduled, downloads or waits replaces it;
one that arrives while RAUC writes the other slot is not carried out. The guide asks for this of OCPP (11.6);
here it holds whoever asks.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations import topics
from chargectl.declarations.types import Topic
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

PROGRESS_MS: Final = 1_000
"""The progress is published at most so often; it is a convenience for people (guide 11.5)."""
LONGEST_MESSAGE_BYTES: Final = 900
"""Longer messages are cut: a text topic takes 1024 bytes."""
UNKNOWN: Final = "the board restarted and the new system does not run"

INSTALLED: Final = "Installed"
INSTALLATION_FAILED: Final = "InstallationFailed"
FIRMWARE_STATUS: Final = {
    "downloading": "Downloading",
    "download-succeeded": "Downloaded",
    "download-failed": "DownloadFailed",
    "installing": "Installing",
    "install-failed": INSTALLATION_FAILED,
}
"""OCPP's FirmwareStatus of each state; ``Installed`` follows after the reboot (guide 11.6)."""


def message_text(reason: str) -> str:
    """A reason as it may be published: one printable line that a text topic takes."""
    line = "".join(letter if letter.isprintable() else " " for letter in " ".join(reason.split()))
    return line.encode("utf-8", "replace")[:LONGEST_MESSAGE_BYTES].decode("utf-8", "ignore")


class Updater:
    """The update of one station. Call :meth:`start` once, then :meth:`handle` with each event.

    Times are milliseconds of one monotonic clock.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._request: Request | None = None
        self._phase = Phase.IDLE
        self._state = "idle"
        self._result = ""
        self._message = ""
        self._trial = 0
        self._ticket = 0
        self._deadline_ms: int | None = None
        self._progress: tuple[int, int] | None = None
        self._session = False
        self._status = ""
        self._effects: list[Effect] = []

    @property
    def deadline_ms(self) -> int | None:
        """When to call with :class:`Tick`; None when nothing is waited for."""
        return self._deadline_ms

    @property
    def phase(self) -> Phase:
        """How far the update is."""
        return self._phase

    @property
    def reboot_due(self) -> bool:
        """Whether to restart the board now: an installed update of an origin that does so by itself, and, for
        OCPP, no session (guide 11.6)."""
        if self._phase is not Phase.INSTALLED or self._request is None:
            return False
        match self._request.origin:
            case Origin.MQTT:
                return False
            case Origin.OCPP:
                return not self._session
            case Origin.USB:
                return True

    @property
    def firmware_status(self) -> str:
        """OCPP's FirmwareStatus to be reported; empty while there is none, and always for updates that were
        not asked for over OCPP (guide 11.6).

        "Installed" only once the new system was found good, "InstallationFailed" when the old one runs again.
        It survives restarts until :class:`Reported` or another request.
        """
        return self._status

    def start(self, record: Record | None, now_ms: int, utc_s: int = 0) -> list[Effect]:
        """Begin with what is on record: go on with it, or say how it ended. ``utc_s`` is the time of day."""
        same_boot = record is not None and record.boot_id == self._system.boot_id != ""
        if record is not None and same_boot:
            self._state, self._result, self._message = record.state, record.result, record.message
        else:
            self._message = message_text(self._system.rollback or self._lost(record))
            self._result = "failed" if self._message else ""
        self._set(topics.TOPIC_FIRMWARE_UPDATE_STATE_PROGRESS, 0)
        self._set(topics.TOPIC_FIRMWARE_UPDATE_STATE_ACTUAL, self._state)
        self._set(topics.TOPIC_FIRMWARE_UPDATE_RESULT_MESSAGE, self._message)
        self._set(topics.TOPIC_FIRMWARE_UPDATE_RESULT_STATE, self._result)
        if record is not None:
            self._request, self._trial = record.request, record.trial
            self._status = record.firmware_status
            if same_boot:
                self._go_on(record, now_ms, utc_s)
            else:
                self._after_boot(record, now_ms, utc_s)
        return self._taken()

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """Take an event; returns what to do, in order."""
        match event:
            case Requested():
                self._requested(event, now_ms)
            case Session(active):
                self._session = active
            case Accepted():
                self._accepted()
            case Reported(status):
                self._reported(status)
            case Tick():
                if self._deadline_ms is not None and now_ms >= self._deadline_ms:
                    self._begin_trial()
            case Progress() | Fetched() | Installed() | Failed() if event.ticket != self._ticket:
                pass  # of a task that was given up
            case Progress(percent=percent) if self._phase in (Phase.FETCHING, Phase.INSTALLING):
                self._show_progress(percent, now_ms)
            case Fetched(path=path) if self._phase is Phase.FETCHING:
                self._install(path)
            case Installed() if self._phase is Phase.INSTALLING:
                self._succeed()
            case Failed(reason=reason) if self._phase in (Phase.FETCHING, Phase.INSTALLING):
                self._fail(reason, now_ms)
            case _:
                pass  # said twice
        return self._taken()

    def _lost(self, record: Record | None) -> str:
        """What to say when an update was installed and yet the old slot runs; else empty."""
        if record is None or record.phase is not Phase.INSTALLED:
            return ""
        return UNKNOWN if record.slot == self._system.slot != "" else ""

    def _go_on(self, record: Record, now_ms: int, utc_s: int) -> None:
        """The daemon was restarted, the board was not."""
        if record.phase is Phase.INSTALLING:
            self._ticket += 1
            self._enter(Phase.INSTALLING, "installing")
            self._do(Follow(self._ticket))
        elif record.phase.under_way:
            self._again(record, now_ms, utc_s)
        else:
            self._phase = record.phase

    def _after_boot(self, record: Record, now_ms: int, utc_s: int) -> None:
        """The board was restarted since; whatever ran, ended."""
        by_ocpp = record.request.origin is Origin.OCPP
        if record.phase is Phase.INSTALLED:
            if self._result:
                self._conclude(INSTALLATION_FAILED, self._message)
            else:
                # What is on record stays there: a boot that is not found good is followed by the next try.
                self._phase, self._state, self._status = Phase.TRIED, "idle", ""
        elif record.phase.under_way and by_ocpp:
            # A central system that has sent UpdateFirmware expects the update without asking again.
            self._again(record, now_ms, utc_s)
        elif record.phase.under_way:
            self._forget(f"update from {record.request.shown_url}: ended by the board's restart")
        else:
            self._forget("")

    def _accepted(self) -> None:
        if self._phase is Phase.TRIED:
            self._conclude(INSTALLED, "the new system runs and was found good")

    def _conclude(self, status: str, text: str) -> None:
        """The end of an update: after its first good boot, or after the way back."""
        assert self._request is not None
        self._status = status if self._request.origin is Origin.OCPP else ""
        self._forget(f"update from {self._request.shown_url}: {text}")

    def _reported(self, status: str) -> None:
        if status == self._status != "":
            self._status = ""
            self._save()

    def _forget(self, text: str) -> None:
        if text:
            self._do(Note(text, problem=bool(self._result)))
        assert self._request is not None
        self._phase, self._state = Phase.IDLE, "idle"
        self._request = self._request.without_secrets()
        self._save()

    def _again(self, record: Record, now_ms: int, utc_s: int) -> None:
        """Repeat the trial that was cut short, which counts once."""
        self._do(Note(f"update from {record.request.shown_url} goes on"))
        if record.phase is Phase.SCHEDULED:
            self._schedule(now_ms, utc_s)
            return
        # Between two trials the last one is over; the pause is not repeated.
        self._trial -= record.phase is not Phase.WAITING
        self._begin_trial()

    def _requested(self, event: Requested, now_ms: int) -> None:
        request = event.request
        if self._phase is Phase.INSTALLING:
            self._do(Note(f"update from {request.shown_url} not carried out: one is being installed", True))
            return
        if self._phase.under_way and self._request is not None:
            self._do(Note(f"update from {self._request.shown_url} is replaced by a newer request"))
            if self._phase is Phase.FETCHING:
                self._do(Abandon(self._ticket))
        self._request, self._trial = request, 0
        self._do(
            Note(
                f"update from {request.shown_url}, asked for by {request.origin.value}, "
                f"trials {request.max_trials}, interval {request.interval_s} s"
            )
        )
        self._schedule(now_ms, event.utc_s)

    def _schedule(self, now_ms: int, utc_s: int) -> None:
        assert self._request is not None
        delay_s = self._request.not_before_s - utc_s
        if delay_s <= 0:
            self._begin_trial()
            return
        self._deadline_ms = now_ms + delay_s * 1000
        self._phase = Phase.SCHEDULED
        self._save()

    def _begin_trial(self) -> None:
        assert self._request is not None
        self._deadline_ms = None
        self._trial += 1
        self._ticket += 1
        self._enter(Phase.FETCHING, "downloading")
        if not self._request.delta:
            self._do(Download(self._ticket, self._request))
        elif self._request.checked_first:
            self._do(Check(self._ticket, self._request))
        else:
            self._install("")

    def _install(self, path: str) -> None:
        assert self._request is not None
        self._set(topics.TOPIC_FIRMWARE_UPDATE_STATE_PROGRESS, 100)
        self._enter(self._phase, "download-succeeded", save=False)
        self._ticket += 1
        self._enter(Phase.INSTALLING, "installing")
        self._do(Install(self._ticket, self._request, path))

    def _succeed(self) -> None:
        self._set(topics.TOPIC_FIRMWARE_UPDATE_STATE_PROGRESS, 100)
        self._end(Phase.INSTALLED, "install-succeeded", "succeeded", "")

    def _fail(self, reason: str, now_ms: int) -> None:
        assert self._request is not None
        message = message_text(reason)
        fetching = self._phase is Phase.FETCHING
        state = "download-failed" if fetching else "install-failed"
        again = (fetching or self._request.delta) and self._trial < self._request.max_trials
        self._do(Note(f"{state}, trial {self._trial} of {self._request.max_trials}: {message}", problem=True))
        if not again:
            self._end(Phase.FAILED, state, "failed", message)
            return
        self._message = message
        self._deadline_ms = now_ms + self._request.interval_s * 1000
        self._enter(Phase.WAITING, state)
        self._set(topics.TOPIC_FIRMWARE_UPDATE_RESULT_MESSAGE, message, again=True)

    def _end(self, phase: Phase, state: str, result: str, message: str) -> None:
        assert self._request is not None
        # What was handed to RAUC is of no use any more; what has come of a download is, for the next try.
        if self._phase is Phase.INSTALLING:
            self._do(Discard())
        self._request = self._request.without_secrets()
        self._result, self._message = result, message
        self._enter(phase, state)
        # The message before the result: who waits for the result finds its reason.
        self._set(topics.TOPIC_FIRMWARE_UPDATE_RESULT_MESSAGE, message, again=True)
        self._set(topics.TOPIC_FIRMWARE_UPDATE_RESULT_STATE, result, again=True)

    def _enter(self, phase: Phase, state: str, *, save: bool = True) -> None:
        self._phase, self._state = phase, state
        if self._request is not None and self._request.origin is Origin.OCPP:
            self._status = FIRMWARE_STATUS.get(state, self._status)
        else:
            self._status = ""
        if save:
            self._save()
        if state in ("downloading", "installing"):
            self._progress = None
            self._set(topics.TOPIC_FIRMWARE_UPDATE_STATE_PROGRESS, 0)
        self._set(topics.TOPIC_FIRMWARE_UPDATE_STATE_ACTUAL, state)

    def _show_progress(self, percent: int, now_ms: int) -> None:
        bounded = max(0, min(percent, 100))
        if self._progress is not None:
            last, at_ms = self._progress
            if bounded <= last or now_ms - at_ms < PROGRESS_MS:
                return
        self._progress = (bounded, now_ms)
        self._set(topics.TOPIC_FIRMWARE_UPDATE_STATE_PROGRESS, bounded)

    def _save(self) -> None:
        assert self._request is not None
        self._do(
            Save(
                Record(
                    self._system.boot_id,
                    self._system.slot,
                    self._phase,
                    self._request,
                    self._trial,
                    self._state,
                    self._result,
                    self._message,
                    self._status,
                )
            )
        )

    def _set(self, topic: Topic, value: str | int, *, again: bool = False) -> None:
        self._do(Publish(topic, value, again))

    def _do(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _taken(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects
