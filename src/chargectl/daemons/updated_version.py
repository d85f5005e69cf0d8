"""The version topic: which firmware runs, told once its boot has been accepted (guide 11.8.2, 15.5.2).

updated tells it because it stays connected: a broker that was restarted is told again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chargectl.declarations import topics
from chargectl.declarations.types import Topic
from chargectl.system.release import ReleaseError, read_release

log = logging.getLogger("updated")

LOOK_S: Final = 1.0
"""How often to look whether the boot has been accepted."""


class VersionTopic:
    """Publishes nothing but "not operational" until ``healthy`` exists, then the version of ``release``."""

    def __init__(self, publish: Callable[[Topic, str], object], healthy: Path, release: Path) -> None:
        self._publish = publish
        self._healthy = healthy
        self._release = release
        self._begun = False
        self.told = False
        """Whether the boot has been accepted, and so the version is out."""

    def look(self) -> None:
        """Look once; does nothing any more after the version has been told."""
        topic = topics.TOPIC_GLOBAL_VERSION_CHARGING_SOFTWARE
        if not self._begun:
            # What a broker has kept from the last boot would say that this one is operational.
            self._begun = True
            self._publish(topic, "")
        if self.told or not self._healthy.exists():
            return
        self.told = True
        try:
            version = read_release(self._release).version
        except ReleaseError as error:
            log.error("%s: the version is not told", error)
            return
        self._publish(topic, version)
