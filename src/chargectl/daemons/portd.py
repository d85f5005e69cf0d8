"""portd: owns the pins of the charging port and runs its control loop."""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import sys
import time
from pathlib import Path

from chargectl.board.port_board import PortBoard
from chargectl.board.profile import profile_for
from chargectl.bus.client import Bus
from chargectl.bus.inbox import Inbox
from chargectl.config.load import load
from chargectl.config.store import BACKUPS, DIRECTORY
from chargectl.daemons.port_loop import ControlLoop
from chargectl.daemons.port_requests import subscriptions
from chargectl.daemons.port_setup import (
    rcd_test_gpio,
    read_grid_limit,
    settings_of,
    status_leds,
    wiring_of,
)
from chargectl.declarations import topics
from chargectl.declarations.types import ConfigFile
from chargectl.hmi.status_led import Indicator
from chargectl.port.machine import Port
from chargectl.port.settings import PortSettings
from chargectl.system import heartbeat, journal
from chargectl.system.clock import SystemClock
from chargectl.system.instance import Instance, TakenError
from chargectl.system.memory import stay_in_memory
from chargectl.system.notify import Notifier
from chargectl.system.port_link import SOCKET, PortLinkServer

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    arguments = argparse.ArgumentParser(prog="chargectl-portd", description="Run the charging port.")
    arguments.add_argument("--config-dir", type=Path, default=DIRECTORY, metavar="DIR")
    arguments.add_argument("--backup-dir", type=Path, default=BACKUPS, metavar="DIR")
    arguments.add_argument("--board", default="charge-control-c", help="board profile (%(default)s)")
    arguments.add_argument("--variant", type=int, default=200, help="board variant (%(default)s)")
    arguments.add_argument("--mqtt-host", default="localhost", metavar="HOST")
    arguments.add_argument("--mqtt-port", type=int, default=1883, metavar="PORT")
    arguments.add_argument("--session-socket", type=Path, default=SOCKET, metavar="PATH")
    arguments.add_argument("--heartbeat", type=Path, default=heartbeat.DEFAULT_PATH, metavar="FILE")
    return arguments


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit code."""
    options = parser().parse_args(argv)
    journal.setup()
    try:
        profile = profile_for(options.board, options.variant)
    except ValueError as error:
        log.error("%s", error)
        return 2
    try:
        # Two of them would drive the same relays.
        instance = Instance(options.heartbeat.with_suffix(".lock"))
    except (TakenError, OSError) as error:
        log.error("portd does not start: %s", error)
        return 1
    beat = heartbeat.Heartbeat(options.heartbeat)
    # The guard leaves the outputs to this process from here on.
    beat.starting()
    configurations, problems = load(options.config_dir, options.backup_dir)
    for problem in problems:
        log.warning("%s", problem)
    customer = configurations[ConfigFile.CUSTOMER]
    grid = read_grid_limit(profile, configurations[ConfigFile.ROTARY], time.sleep)
    settings = settings_of(profile, customer, grid)
    leds = status_leds(configurations[ConfigFile.LEDS], {rcd_test_gpio(customer, settings)})
    led_gpios = tuple(gpio for led in leds for gpio in led.gpios)
    board = PortBoard(profile, wiring_of(profile, customer, settings, led_gpios))
    clock = SystemClock()
    notifier = Notifier()
    inbox = Inbox()
    bus = Bus(
        options.mqtt_host,
        options.mqtt_port,
        "chargectl-portd",
        on_message=inbox.put,
        subscribe=subscriptions(settings),
        as_published=[topics.TOPIC_AUTHORIZATION_STATUS],
        online_topic=topics.TOPIC_PORTD_ONLINE,
    )
    for fault in board.open():
        log.error("%s", fault)
    session_link = _session_link(settings, options.session_socket)
    loop = ControlLoop(
        Port(settings, clock.monotonic_ms()),
        board,
        bus=bus,
        receive=inbox.drain,
        clock=clock,
        notifier=notifier,
        heartbeat=beat,
        indicator=Indicator(leds),
        session_link=session_link,
    )

    def stop(_signal: int, _frame: object) -> None:
        loop.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # What was loaded stays: the collector need not look through it in every cycle of its own. It takes its
    # time, so it comes before the first cycle: the guard does not let much pass between that and the second.
    gc.collect()
    gc.freeze()
    stay_in_memory()
    wanted = False
    try:
        loop.start()
        loop.cycle()
        bus.start()
        notifier.ready()
        loop.run()
        wanted = True
    except heartbeat.TakenOverError as error:
        log.error("portd ends: %s", error)
    finally:
        # Whatever ends the loop, an exception too: power off first.
        for fault in board.safe_outputs():
            log.error("%s", fault)
        # Closing the connections may take longer than the guard waits for a heartbeat.
        beat.end(wanted)
        notifier.stopping()
        bus.stop()
        if session_link is not None:
            session_link.close()
        board.close()
        beat.close()
        instance.release()
    return 0 if wanted else 1


def _session_link(settings: PortSettings, path: Path) -> PortLinkServer | None:
    """The end of iso15118d's connection, with charging_type highlevel."""
    if not settings.high_level:
        return None
    try:
        return PortLinkServer(path)
    except OSError as error:
        # No session will come, and the pilot stays at 100 %: safe, and the rest of the port works.
        log.error("high-level charging is not possible: %s: %s", path, error.strerror or error)
        return None


if __name__ == "__main__":
    sys.exit(main())
