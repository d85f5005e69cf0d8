"""configd: recovers, checks and backs up the configuration files, and makes all changes to them.

It looks for edits by others once a second: three stat calls, which need no kernel interface that the standard
library lacks and which notice every way of replacing a file.
"""

from __future__ import annotations

import argparse
import logging
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from chargectl.config.client import SOCKET
from chargectl.config.owner import Owner, Report
from chargectl.config.problem import Problem, Severity
from chargectl.config.protocol import answer
from chargectl.config.store import BACKUPS, DIRECTORY
from chargectl.daemons.configd_clients import LineServer
from chargectl.declarations.keys import KEYS
from chargectl.system.notify import Notifier

log = logging.getLogger("configd")

POLL_S = 1.0


class Configd:
    """The service's loop.

    ``announce(paths)`` publishes changed keys and says whether somebody took them; until then they are kept.
    Raises OSError when it cannot listen on ``socket_path``; the files then are untouched.
    """

    def __init__(
        self,
        owner: Owner,
        socket_path: Path,
        announce: Callable[[list[str]], bool],
        notifier: Notifier,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._owner = owner
        self._announce = announce
        self._notifier = notifier
        self._monotonic = monotonic
        self._unannounced: dict[str, None] = {}
        self._stopping = False
        self._selector = selectors.DefaultSelector()
        try:
            self._server = LineServer(socket_path, self._answer, self._selector, monotonic)
        except OSError:
            self._selector.close()
            raise
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ, self._woken)
        self._take(owner.start())

    def run(self) -> None:
        """Serve until `stop`; the socket is gone afterwards."""
        interval = self._notifier.watchdog_interval_s
        pause = POLL_S if interval is None else min(POLL_S, interval)
        self._notifier.ready()
        due = self._monotonic() + pause
        try:
            while not self._stopping:
                for entry, events in self._selector.select(max(0.0, due - self._monotonic())):
                    entry.data(events)
                if self._monotonic() >= due:
                    due = self._monotonic() + pause
                    self._take(self._owner.poll())
                    self._server.tidy()
                    self._tell()
                    self._notifier.watchdog()
        finally:
            self._notifier.stopping()
            self._server.close()
            self._selector.close()
            self._wake_receiver.close()
            self._wake_sender.close()

    def stop(self) -> None:
        """End `run`; may be called from a signal handler or another thread."""
        self._stopping = True
        try:
            self._wake_sender.send(b"\0")
        except OSError:
            return  # the loop is awake anyway, or has ended

    def _woken(self, _events: int) -> None:
        self._wake_receiver.recv(64)

    def _answer(self, line: bytes) -> bytes:
        reply = answer(self._owner, line)
        self._take(reply.report)
        return reply.line

    def _take(self, report: Report) -> None:
        for event in report.events:
            log.warning("%s", event)
        log_problems(report.problems)
        if report.changed:
            log.info("changed: %s", ", ".join(report.changed))
            self._unannounced.update(dict.fromkeys(report.changed))
            self._tell()

    def _tell(self) -> None:
        if self._unannounced and self._announce(list(self._unannounced)):
            self._unannounced.clear()


def log_problems(problems: Iterable[Problem]) -> None:
    """Write each problem to the journal, with the weight it has."""
    for problem in problems:
        log.log(logging.ERROR if problem.severity is Severity.ERROR else logging.WARNING, "%s", problem)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service; returns the exit code."""
    options = _parser().parse_args(arguments)
    from chargectl.system import journal

    journal.setup(redact=journal.Redactor(journal.secret_names(KEYS)))
    from chargectl.bus.client import Bus
    from chargectl.declarations.topics import TOPIC_CONFIG_CHANGED, TOPIC_CONFIGD_ONLINE

    bus = Bus(
        options.mqtt_host,
        options.mqtt_port,
        "configd",
        on_message=lambda _message: None,
        online_topic=TOPIC_CONFIGD_ONLINE,
    )
    try:
        service = Configd(
            Owner(options.config_dir, options.backup_dir),
            options.socket,
            lambda paths: bus.publish(TOPIC_CONFIG_CHANGED, list(paths)),
            Notifier(),
        )
    except OSError as error:
        log.error("cannot listen on %s: %s", options.socket, error.strerror or error)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: service.stop())
    bus.start()
    try:
        service.run()
    finally:
        bus.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="configd",
        description="Owns the configuration files.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--config-dir", type=Path, default=DIRECTORY, metavar="DIR", help="folder of the files")
    add("--backup-dir", type=Path, default=BACKUPS, metavar="DIR", help="folder of their copies")
    add("--socket", type=Path, default=SOCKET, metavar="PATH", help="where clients connect")
    add("--mqtt-host", default="127.0.0.1", metavar="HOST", help="MQTT broker")
    add("--mqtt-port", type=int, default=1883, metavar="PORT", help="port of the MQTT broker")
    return parser


if __name__ == "__main__":
    sys.exit(main())
