"""One side of a charging session with the ``iso15118`` package (Josev), for test_josev_peers.py.

    python josev_peer.py evcc|secc java|v2gexi INTERFACE CONFIGURATION

Runs in a virtual environment that has ``iso15118``; imports nothing of the tests. Settings other than these
are the package's environment variables. Each call of the codec is a line on stdout: JSON with its
direction, namespace, seconds, payload and message; the last line says whether Java's gateway was there.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import signal
import sys
import time
from typing import Any


class Recorded:
    """A codec that writes down what it is asked."""

    def __init__(self, codec: Any) -> None:
        self._codec = codec

    def encode(self, message: str, namespace: str) -> bytes:
        """As IEXICodec."""
        start = time.perf_counter()
        payload = bytes(self._codec.encode(message, namespace))
        _say("encode", namespace, message, payload, start)
        return payload

    def decode(self, stream: bytes, namespace: str) -> str:
        """As IEXICodec."""
        start = time.perf_counter()
        message = str(self._codec.decode(stream, namespace))
        _say("decode", namespace, message, stream, start)
        return message

    def get_version(self) -> str:
        """As IEXICodec."""
        return str(self._codec.get_version())


def _say(direction: str, namespace: str, message: str, payload: bytes, start: float) -> None:
    line = {
        "codec": direction,
        "namespace": str.__str__(namespace),
        "seconds": time.perf_counter() - start,
        "hex": payload.hex(),
        "json": message,
    }
    print(json.dumps(line), flush=True)


def make_codec(kind: str) -> Any:
    """The codec to run with."""
    if kind == "java":
        return _from("iso15118.shared.exificient_exi_codec", "ExificientEXICodec")()
    return _from("v2gexi.josev", "Codec")()


async def evcc(codec: Any, interface: str, configuration: str) -> None:
    """A vehicle: one session."""
    _from("iso15118.shared.settings", "load_shared_settings")()
    config = await _from("iso15118.evcc.evcc_config", "load_from_file")(configuration)
    controller = _from("iso15118.evcc.controller.simulator", "SimEVController")(config)
    handler = _from("iso15118.evcc", "EVCCHandler")
    await handler(evcc_config=config, iface=interface, exi_codec=codec, ev_controller=controller).start()


async def secc(codec: Any, interface: str) -> None:
    """A charging station, until it is ended."""
    config = _from("iso15118.secc.secc_settings", "Config")()
    config.load_envs()
    controller = _from("iso15118.secc.controller.simulator", "SimEVSEController")()
    await controller.set_status(_from("iso15118.secc.controller.interface", "ServiceStatus").STARTING)
    handler = _from("iso15118.secc", "SECCHandler")
    await handler(exi_codec=codec, evse_controller=controller, config=config).start(interface)


def _from(module: str, name: str) -> Any:
    # Not imported above: the environment of the tests does not have the package.
    return getattr(importlib.import_module(module), name)


def main() -> None:
    """Run one side."""
    role, kind, interface, *configuration = sys.argv[1:]
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    codec = Recorded(make_codec(kind))
    print(json.dumps({"ready": codec.get_version()}), flush=True)
    try:
        asyncio.run(evcc(codec, interface, *configuration) if role == "evcc" else secc(codec, interface))
    finally:
        print(json.dumps({"py4j": "py4j" in sys.modules}), flush=True)


if __name__ == "__main__":
    main()
