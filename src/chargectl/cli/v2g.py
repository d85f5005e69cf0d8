"""``chargectl v2g``: cars and chargers on the desk, captures, certificates; the commands of ``v2g``."""

from __future__ import annotations

from v2g.cli.main import main


def own_words(words: list[str]) -> int:
    """Run ``v2g`` with what follows on the command line; returns its exit code."""
    return main(words, "chargectl v2g")
