"""A car, a cable and a station for an emulated board that runs: ``python -m tools.plant``.

The pins are QEMU's; ADC and PWM, which QEMU lacks, come to the board as the desk's simulated sysfs. Talk
to it as on the desk: ``chargectl sim do ACTION --socket SOCKET`` (``chargectl sim actions`` lists them).
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import signal
import sys
from pathlib import Path
from typing import Final

from chargectl.sim.control import ControlServer
from chargectl.sim.host import Host
from chargectl.sim.options import Options
from chargectl.sim.sysfs.fuse import FuseServer
from chargectl.sim.sysfs.tree import SysfsTree
from tools.plant.link import Link, LinkLostError, connect
from tools.plant.pins import Pins
from tools.plant.qtest import QTest, QTestError

POLL_S: Final = 0.04
"""How often output pins are looked at; the shortest pulse that matters (the lock's drive) lasts 400 ms. Each
look stops the emulated processor for a moment."""
RETRY_S: Final = 0.5
SILENCE_S: Final = 3.0
"""A board that has asked for no file so long may have been reset: portd asks fifty times a second. Nothing
closes the connection then; but whether the board listens anew can be tried."""


class Plant:
    """One world, wired to one QEMU for as long as that runs; survives resets of the board."""

    def __init__(self, qtest: QTest, relay_port: int, socket: str, options: Options) -> None:
        self._qtest = qtest
        self._port = relay_port
        self._idle, spare = os.pipe()
        os.close(spare)
        # Until the board connects there are no files to serve; an empty pipe reads as nothing.
        self._host = Host(self._idle, options, 1.0)
        self._pins = Pins(qtest, self._host.world)
        self._selector = selectors.DefaultSelector()
        self._link: Link | None = None
        self._running = True
        self._next_try_us = 0
        self._heard_us = 0
        self._control = ControlServer(socket, self._host, self._selector, self.stop)
        self._selector.register(qtest, selectors.EVENT_READ, self._qtest_news)

    def stop(self) -> None:
        """End :meth:`run`."""
        self._running = False

    def run(self) -> None:
        """Serve until told to stop, or QEMU ends."""
        try:
            while self._running:
                self._turn()
        except QTestError:
            pass  # QEMU has ended: so has the board
        finally:
            self._drop()
            self._control.close()
            self._qtest.close()

    def _turn(self) -> None:
        due = self._host.seconds_to_next()
        for key, _ in self._selector.select(POLL_S if due is None else min(due, POLL_S)):
            try:
                key.data()
            except LinkLostError as error:
                print(f"plant: {error}", flush=True)
                self._drop()
                break
        self._host.catch_up()
        self._pins.world = self._host.world
        self._pins.follow_outputs()
        self._pins.drive_inputs()
        now_us = self._host.world.now_us
        silent = self._link is None or now_us - self._heard_us > SILENCE_S * 1e6
        if silent and now_us >= self._next_try_us:
            self._try_link()
            self._next_try_us = self._host.world.now_us + round(RETRY_S * 1e6)

    def _qtest_news(self) -> None:
        self._host.catch_up()
        self._qtest.news()

    def _try_link(self) -> None:
        stream = connect(self._port)
        if stream is None:
            return
        print("plant: the board's files are connected", flush=True)
        self._drop()
        self._heard_us = self._host.world.now_us
        self._link = link = Link(stream)
        tree = SysfsTree(self._host.world)
        self._host.files = FuseServer(link.descriptor, tree, self._before_files)
        self._selector.register(link.stream, selectors.EVENT_READ, self._requests)
        self._selector.register(link.packets, selectors.EVENT_READ, link.answers)
        self._selector.register(link.descriptor, selectors.EVENT_READ, self._answer_files)

    def _requests(self) -> None:
        self._heard_us = self._host.world.now_us
        if self._link is not None:
            self._link.requests()

    def _before_files(self) -> None:
        self._host.catch_up()
        self._pins.settle_peaks()

    def _answer_files(self) -> None:
        while self._host.files.handle():
            pass

    def _drop(self) -> None:
        if self._link is None:
            return
        for end in (self._link.stream, self._link.packets, self._link.descriptor):
            self._selector.unregister(end)
        os.close(self._link.descriptor)
        self._link.close()
        self._link = None


def main() -> int:
    """The command line; returns the exit code."""
    arguments = argparse.ArgumentParser(prog="python -m tools.plant", description=__doc__)
    arguments.add_argument("--qtest", type=Path, required=True, metavar="SOCKET", help="QEMU's qtest socket")
    arguments.add_argument(
        "--relay-port",
        type=int,
        required=True,
        metavar="PORT",
        help="local port that leads to the board's 7000",
    )
    arguments.add_argument("--socket", required=True, metavar="SOCKET", help="control socket to make")
    arguments.add_argument(
        "--options", type=json.loads, default={}, metavar="JSON", help="equipment of the station and the car"
    )
    chosen = arguments.parse_args()
    try:
        plant = Plant(
            QTest(chosen.qtest), chosen.relay_port, chosen.socket, Options.from_json(chosen.options)
        )
    except (OSError, ValueError, QTestError) as error:
        print(f"plant: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: plant.stop())
    plant.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
