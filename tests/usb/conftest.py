"""A device and sticks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.usb import device as device_module
from tests.usb.device import Device, Sticks


@pytest.fixture
def device(tmp_path: Path) -> Device:
    device_module.require()
    return Device(tmp_path / "device")


@pytest.fixture
def sticks(tmp_path: Path) -> Iterator[Sticks]:
    device_module.require()
    made = Sticks(tmp_path / "sticks")
    yield made
    made.close()
