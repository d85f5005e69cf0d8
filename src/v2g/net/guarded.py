"""Calls of what a shell does not know, whose faults must not end a session."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec

log = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")


def guarded(act: Callable[Arguments, object], *arguments: Arguments.args, **named: Arguments.kwargs) -> None:
    """Do something; its faults are logged, and what comes after it is done all the same."""
    try:
        act(*arguments, **named)
    except Exception:
        log.exception("a fault in %s", getattr(act, "__qualname__", act))
