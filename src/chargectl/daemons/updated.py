"""updated: fetches and installs new firmware when it is asked to over MQTT (guide 11.5).

The rules are in ``chargectl.update``; downloads and installations run in threads of their own, so that the
loop always answers. Nothing here restarts the board.
"""

from __future__ import annotations

import argparse
import logging
import selectors
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from chargectl.bus.inbox import Inbox
from chargectl.bus.message import Message
from chargectl.bus.payload import Value
from chargectl.daemons.updated_tasks import Tasks
from chargectl.daemons.updated_version import LOOK_S, VersionTopic
from chargectl.declarations import topics
from chargectl.declarations.types import Payload, Topic
from chargectl.system.clock import Clock, SystemClock
from chargectl.system.download import discard
from chargectl.system.notify import Notifier
from chargectl.system.update_record import DIRECTORY, NAME, RecordFile
from chargectl.update.job import Updater
from chargectl.update.request import Request, RequestError, make_request
from chargectl.update.steps import (
    Abandon,
    Accepted,
    Check,
    Discard,
    Download,
    Effect,
    Event,
    Follow,
    Install,
    Note,
    Publish,
    Requested,
    Save,
    Tick,
)

log = logging.getLogger("updated")

FILE_FOLDER: Final = "file"
"""Where the file is downloaded to, below the folder of the record."""
IDLE_S: Final = 3600.0
"""How long the loop sleeps when nothing is due and no watchdog waits."""

# Empty and wrong numbers have a meaning (guide 11.5), so they are read as text.
TRIALS: Final = replace(topics.TOPIC_FIRMWARE_UPDATE_TARGET_MAX_TRIALS, payload=Payload.STRING)
INTERVAL: Final = replace(topics.TOPIC_FIRMWARE_UPDATE_TARGET_INTERVAL, payload=Payload.STRING)
URL: Final = topics.TOPIC_FIRMWARE_UPDATE_TARGET_URL
SUBSCRIPTIONS: Final = (URL, TRIALS, INTERVAL)

PublishTo = Callable[[Topic, Value, bool], object]
"""Publishes a value on a topic; the third argument: even when it is the one published last."""


class Intake:
    """From messages to requests: the URL begins an update with the trials and the interval known by then."""

    def __init__(self, clock: Clock, add_secret: Callable[[str], None]) -> None:
        self._clock = clock
        self._add_secret = add_secret
        self._texts = {TRIALS.path: "", INTERVAL.path: ""}

    def take(self, message: Message) -> Requested | None:
        """The request that a message makes; None for any other."""
        text = str(message.value)
        path = message.topic.path
        if path in self._texts:
            self._texts[path] = text
            return None
        if message.kept:
            # A URL starts an update when it is published. One that the broker has kept may have been followed
            # long ago: after each restart it would install the same update again.
            if text:
                log.warning("%s: a retained URL starts no update; publish it anew", path)
            return None
        if not text.strip():
            return None
        try:
            request = make_request(text, self._texts[TRIALS.path], self._texts[INTERVAL.path])
        except RequestError as error:
            log.warning("%s ignored: %s", path, error)
            return None
        self.note_secret(request)
        return Requested(request, int(self._clock.utc_now().timestamp()))

    def note_secret(self, request: Request) -> None:
        """Make the request's password known to who masks secrets."""
        if request.credentials is not None:
            self._add_secret(request.credentials[1])


class Updated:
    """The service's loop: messages and results of tasks in, effects out."""

    def __init__(
        self,
        updater: Updater,
        record: RecordFile,
        intake: Intake,
        publish: PublishTo,
        notifier: Notifier,
        folder: Path,
        clock: Clock,
        version: VersionTopic,
    ) -> None:
        self._version = version
        self._updater = updater
        self._record = record
        self._intake = intake
        self._publish = publish
        self._notifier = notifier
        self._folder = folder
        self._clock = clock
        self._tasks: Tasks | None = None
        self._stopping = False
        self._accepted = False
        self._inbox = Inbox()
        self._events: deque[Event] = deque()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)

    def receive(self, message: Message) -> None:
        """Take a message, from the bus's thread."""
        self._inbox.put(message)
        self._wake()

    def post(self, event: Event) -> None:
        """Take what a task has to say, from its thread."""
        self._events.append(event)
        self._wake()

    def stop(self) -> None:
        """End :meth:`run`; may be called from a signal handler or another thread."""
        self._stopping = True
        self._wake()

    def run(self, tasks: Tasks) -> None:
        """Serve until :meth:`stop`. A download then ends, to be gone on with later; RAUC goes on."""
        self._tasks = tasks
        record = self._record.read()
        if record is not None:
            self._intake.note_secret(record.request)
        self._version.look()
        now_s = int(self._clock.utc_now().timestamp())
        self._carry_out(self._updater.start(record, self._clock.monotonic_ms(), now_s))
        self._notifier.ready()
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_receiver, selectors.EVENT_READ)
            while not self._stopping:
                if selector.select(self._pause_s()):
                    self._wake_receiver.recv(4096)
                self._step()
                self._notifier.watchdog()
        self._notifier.stopping()
        tasks.end()

    def _step(self) -> None:
        self._version.look()
        events: list[Event] = []
        while self._events:
            events.append(self._events.popleft())
        # Of several requests at once the newest one counts, as it would one after the other.
        requests = [self._intake.take(message) for message in self._inbox.drain()]
        events += [request for request in requests if request is not None][-1:]
        if self._version.told and not self._accepted:
            self._accepted = True
            events.insert(0, Accepted())
        for event in [*events, Tick()]:
            self._carry_out(self._updater.handle(event, self._clock.monotonic_ms()))

    def _pause_s(self) -> float:
        interval = self._notifier.watchdog_interval_s
        pause = IDLE_S if interval is None else interval
        if not self._version.told:
            pause = min(pause, LOOK_S)
        deadline = self._updater.deadline_ms
        if deadline is not None:
            pause = min(pause, max(0.0, (deadline - self._clock.monotonic_ms()) / 1000))
        return pause

    def _carry_out(self, effects: list[Effect]) -> None:
        assert self._tasks is not None
        for effect in effects:
            match effect:
                case Publish(topic, value, again):
                    self._publish(topic, value, again)
                case Save(record):
                    self._record.write(record)
                case Note(text, problem):
                    log.log(logging.WARNING if problem else logging.INFO, "%s", text)
                case Abandon():
                    self._tasks.abandon()
                case Discard():
                    self._discard()
                case Download() | Check() | Install() | Follow():
                    self._tasks.begin(effect)

    def _discard(self) -> None:
        try:
            discard(self._folder)
        except OSError as error:
            log.warning("%s: not removed: %s", self._folder, error.strerror or error)

    def _wake(self) -> None:
        try:
            self._wake_sender.send(b"\0")
        except OSError:
            return  # the loop is awake anyway, or has ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service; returns the exit code."""
    options = _parser().parse_args(arguments)
    from chargectl.system import journal

    redactor = journal.Redactor()
    journal.setup(redact=redactor)
    from chargectl.bus.client import Bus
    from chargectl.daemons.updated_system import running_system
    from chargectl.system.rauc import Rauc

    system = running_system(options.boots)
    folder = options.download_dir / FILE_FOLDER
    clock = SystemClock()

    def publish(topic: Topic, value: Value, again: bool = False) -> None:
        bus.publish(topic, value, again=again)

    service = Updated(
        Updater(system),
        RecordFile(options.download_dir / NAME),
        Intake(clock, redactor.add),
        publish,
        Notifier(),
        folder,
        clock,
        VersionTopic(publish, options.healthy, options.release),
    )
    bus = Bus(
        options.mqtt_host,
        options.mqtt_port,
        "updated",
        on_message=service.receive,
        subscribe=SUBSCRIPTIONS,
        online_topic=topics.TOPIC_UPDATED_ONLINE,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: service.stop())
    bus.start()
    try:
        service.run(Tasks(Rauc(options.bus), folder, system.slot, service.post, redactor))
    finally:
        bus.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    from chargectl.system.boots import HEALTHY
    from chargectl.system.boots import PATH as BOOTS
    from chargectl.system.rauc import SYSTEM_BUS
    from chargectl.system.release import PATH as RELEASE

    parser = argparse.ArgumentParser(
        prog="updated",
        description="Fetches and installs new firmware.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--download-dir", type=Path, default=DIRECTORY, metavar="DIR", help="folder of its own files")
    add("--boots", type=Path, default=BOOTS, metavar="FILE", help="history of boots")
    add("--healthy", type=Path, default=HEALTHY, metavar="FILE", help="exists when the boot is accepted")
    add("--release", type=Path, default=RELEASE, metavar="FILE", help="which image runs")
    add("--bus", default=SYSTEM_BUS, metavar="ADDRESS", help="D-Bus on which RAUC is found")
    add("--mqtt-host", default="127.0.0.1", metavar="HOST", help="MQTT broker")
    add("--mqtt-port", type=int, default=1883, metavar="PORT", help="port of the MQTT broker")
    return parser


if __name__ == "__main__":
    sys.exit(main())
