"""iso15118d: charges by ISO 15118-2 over the modem at the control pilot (``charging_type`` highlevel).

The contactor is portd's; what this daemon wants of it goes over a socket of its own, never over the broker.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chargectl.bus.client import Bus
from chargectl.bus.message import Message
from chargectl.config.load import load
from chargectl.config.store import BACKUPS, DIRECTORY
from chargectl.declarations import topics
from chargectl.declarations.types import ConfigFile, Topic
from chargectl.hlc.settings import HlcSettings
from chargectl.system import journal
from chargectl.system.notify import Notifier
from chargectl.system.port_link import SOCKET

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

INTERFACE: Final = "eth1"
"""The modem at the control pilot (guide 7.5)."""
CERTIFICATES: Final = Path("/etc/chargectl/v2g")
CHAIN: Final = "secc-chain.pem"
KEY: Final = "secc.key"
BROKER_S: Final = 3.0
"""How long the broker is waited for at the start; without it sessions go on as the configuration has them."""
_LOOK_S: Final = 0.02
_POLL_S: Final = 5.0


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    arguments = argparse.ArgumentParser(
        prog="chargectl-iso15118d", description="Charge by ISO 15118-2 (charging_type highlevel)."
    )
    add = arguments.add_argument
    add("--config-dir", type=Path, default=DIRECTORY, metavar="DIR")
    add("--backup-dir", type=Path, default=BACKUPS, metavar="DIR")
    add("--interface", default=INTERFACE, metavar="NAME", help="network interface to the modem (%(default)s)")
    add("--session-socket", type=Path, default=SOCKET, metavar="PATH", help="where portd listens")
    add("--certificates", type=Path, default=CERTIFICATES, metavar="DIR", help=f"{CHAIN} and {KEY} for TLS")
    add("--mqtt-host", default="localhost", metavar="HOST")
    add("--mqtt-port", type=int, default=1883, metavar="PORT")
    return arguments


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit code."""
    options = parser().parse_args(argv)
    journal.setup()
    configurations, problems = load(options.config_dir, options.backup_dir)
    for problem in problems:
        log.warning("%s", problem)
    settings = HlcSettings.read(configurations[ConfigFile.CUSTOMER])
    notifier = Notifier()
    asyncio.run(_charge(options, settings, notifier) if settings.enabled else _idle(options, notifier))
    return 0


async def _idle(options: argparse.Namespace, notifier: Notifier) -> None:
    """Without high-level charging: say that no state of charge is known (guide 15.21), and nothing else."""
    log.info("charging_type is not highlevel: nothing to do")
    bus = Bus(options.mqtt_host, options.mqtt_port, "chargectl-iso15118d", on_message=_nothing)
    bus.publish(topics.TOPIC_EV_SOC_ACTUAL, -1)
    bus.publish(topics.TOPIC_EV_SOC_TIMESTAMP, datetime.now().astimezone())
    bus.start()
    try:
        await _until_stopped(notifier, None)
    finally:
        bus.stop()


async def _charge(options: argparse.Namespace, settings: HlcSettings, notifier: Notifier) -> None:
    # The V2G stack takes seconds to import on the board: only where it is needed.
    from chargectl.daemons.iso15118d_service import Service
    from chargectl.hlc.customer import SUBSCRIBED

    tls, policy = tls_of(settings.tls, options.certificates)
    if policy is None:
        await _idle(options, notifier)
        return
    loop = asyncio.get_running_loop()
    bus: Bus

    def publish(topic: Topic, value: object, again: bool) -> None:
        bus.publish(topic, value, again=again)  # type: ignore[arg-type]  # what the topic allows, or it raises

    service = Service(settings.with_tls(policy), options.interface, options.session_socket, tls, publish)

    def received(message: Message) -> None:
        service.inbox.put(message)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(service.messages)

    bus = Bus(
        options.mqtt_host,
        options.mqtt_port,
        "chargectl-iso15118d",
        on_message=received,
        subscribe=SUBSCRIBED,
    )
    bus.start()
    running = asyncio.create_task(_run(service.run, lambda: bus.connected))
    try:
        await _until_stopped(notifier, running)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.to_thread(bus.stop)


async def _run(run: Callable[[], Awaitable[None]], connected: Callable[[], bool]) -> None:
    """Run the service, once the broker is there or has had its time.

    An EV that is connected already begins its session at once, and what is told of that is told only once.
    """
    for _ in range(round(BROKER_S / _LOOK_S)):
        if connected():
            break
        await asyncio.sleep(_LOOK_S)
    await run()


def tls_of(wanted: str, folder: Path) -> tuple[ssl.SSLContext | None, str | None]:
    """The context for TLS and what becomes of ``tls_security``; None for that: no session is possible."""
    if wanted == "prohibit":
        return None, wanted
    from v2g.security.tls import Identity, StationTls, TlsError, station_context

    try:
        return station_context(StationTls(Identity(folder / CHAIN, folder / KEY))), wanted
    except TlsError as error:
        if wanted == "allow":
            log.warning("TLS is not offered: %s", error)
            return None, "prohibit"
        log.error('tls_security is "force", and no session is possible without TLS: %s', error)
        return None, None


async def _until_stopped(notifier: Notifier, task: asyncio.Task[None] | None) -> None:
    """Tell the service manager that all is well until a signal comes, or the task ends."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    interval = notifier.watchdog_interval_s
    pause = _POLL_S if interval is None else min(_POLL_S, interval)
    notifier.ready()
    waiting = asyncio.create_task(stopped.wait())
    tasks: set[asyncio.Task[object]] = {waiting} if task is None else {waiting, task}
    while not stopped.is_set() and not (task is not None and task.done()):
        notifier.watchdog()
        await asyncio.wait(tasks, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    notifier.stopping()
    if task is not None and task.done():
        task.result()  # a mistake of this program ends it, and systemd starts it again


def _nothing(_message: Message) -> None:
    """Nothing is subscribed to."""


if __name__ == "__main__":
    sys.exit(main())
