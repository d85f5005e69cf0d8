"""Reads all configuration files for a daemon: read-only, always a configuration, never an exception."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from chargectl.config.configuration import Configuration
from chargectl.config.problem import Problem, Severity
from chargectl.config.recovery import Source, choose
from chargectl.config.shape import Shape
from chargectl.config.store import BACKUPS, DIRECTORY
from chargectl.config.validate import validate
from chargectl.declarations.keys import keys_of
from chargectl.declarations.types import ConfigFile


@cache
def shape_of(file: ConfigFile) -> Shape:
    """The declared keys of a file as a tree."""
    return Shape.of(keys_of(file))


def shipped_content(file: ConfigFile) -> str:
    """The content a file ships with."""
    from chargectl.config.shipped import shipped_text  # seldom needed, and a daemon's start should be short

    return shipped_text(keys_of(file))


def load(
    directory: Path = DIRECTORY, backups: Path = BACKUPS
) -> tuple[dict[ConfigFile, Configuration], list[Problem]]:
    """The values in force and all problems of the three files.

    A file that cannot be used is replaced, in memory only, by its backup or the shipped content, as
    configd does on disk when it starts.
    """
    configurations: dict[ConfigFile, Configuration] = {}
    problems: list[Problem] = []
    for file in ConfigFile:
        path = directory / file.value
        chosen = choose(path, backups, lambda file=file: shipped_content(file))  # type: ignore[misc]
        if chosen.source is not Source.FILE:
            text = f"{chosen.events[0]}; {chosen.source.value} is used"
            problems.append(Problem(file.value, 1, 1, text, Severity.ERROR))
        checked = validate(chosen.document, shape_of(file))
        configurations[file] = checked.configuration
        problems += checked.problems
    return configurations, problems
