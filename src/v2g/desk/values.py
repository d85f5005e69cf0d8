"""The settings of the desk's charger and car: read from a small YAML file and from ``NAME=VALUE`` options.

A setting is declared once, with its type, unit, range and meaning; the help of the commands and the guide
read the declarations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from v2g.desk import settings_file
from v2g.desk.settings_file import Written

_TRUE: Final = ("yes", "true", "on", "1")
_FALSE: Final = ("no", "false", "off", "0")


class SettingsError(ValueError):
    """Settings that cannot be used; ``problems`` has a line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        name: as people write it.
        default: its value; its type says how it is read: bool, int, float, str; None: a float or nothing.
        meaning: one line; the unit is in the name.
        least, most: allowed numbers.
        words: allowed texts; empty: any.
    """

    name: str
    default: bool | int | float | str | None
    meaning: str
    least: float = 0.0
    most: float = 1e9
    words: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What may stand there, for people."""
        if self.words:
            return " | ".join(self.words)
        if isinstance(self.default, bool):
            return "yes | no"
        if isinstance(self.default, str):
            return "text"
        kind = "whole number" if isinstance(self.default, int) else "number"
        end = f" {self.least:g} to {self.most:g}" if self.most < 1e9 else f" from {self.least:g} on"
        return f"{kind}{end}{' or none' if self.default is None else ''}"

    def read(self, value: Any) -> bool | int | float | str | None:
        """A value as YAML or an option gives it.

        Raises:
            ValueError: it is not allowed; the text says what is.
        """
        refusal = ValueError(f"{self.name}: {value!r} is not allowed: {self.allowed}")
        text = str(value).strip()
        if isinstance(self.default, bool):
            if text.lower() not in (*_TRUE, *_FALSE):
                raise refusal
            return text.lower() in _TRUE
        if isinstance(self.default, str):
            if self.words and text not in self.words:
                raise refusal
            return text
        if self.default is None and text.lower() in ("none", "null", "~", ""):
            return None
        try:
            number = int(text) if isinstance(self.default, int) else float(text)
        except ValueError:
            raise refusal from None
        if not self.least <= number <= self.most:
            raise refusal
        return number


class Settings:
    """Values by name, those that nobody gave being the defaults."""

    def __init__(self, declared: Iterable[Setting], given: Mapping[str, Any] | None = None) -> None:
        """
        Raises:
            SettingsError: names or values that do not exist; all of them.
        """
        self._declared = {setting.name: setting for setting in declared}
        self.lists: dict[str, list[str]] = {}
        """Lists of texts that stood in the file beside the settings, by name."""
        self._values = {name: setting.default for name, setting in self._declared.items()}
        problems = []
        for name, value in (given or {}).items():
            setting = self._declared.get(name)
            if setting is None:
                near = get_close_matches(name, self._declared, 1)
                problems.append(f"there is no setting {name!r}{f': {near[0]}?' if near else ''}")
                continue
            try:
                self._values[name] = setting.read(value)
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise SettingsError(problems)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]


def gather(
    declared: Iterable[Setting],
    file: Path | None,
    options: Iterable[str],
    lists: Mapping[str, Callable[[str], object]] | None = None,
) -> Settings:
    """Settings from a file, then from options, which win.

    Args:
        declared: what can be set.
        file: YAML.
        options: NAME=VALUE.
        lists: names of lists of texts that the file may have beside settings, each with a check of an item
            that raises ValueError. What was found is in ``Settings.lists``.

    Raises:
        SettingsError: the file or an option cannot be read; all problems, those of the file with their place.
    """
    declared = tuple(declared)
    problems: list[str] = []
    given: dict[str, Any] = {}
    found: dict[str, list[str]] = {}
    written: dict[str, Written] = {}
    if file is not None:
        try:
            written = settings_file.read(file)
        except settings_file.FileError as error:
            problems.append(f"{file}{':' if str(error)[:1].isdigit() else ': '}{error}")
    for name, value in written.items():
        if name in (lists or {}):
            items = [value] if isinstance(value.value, str) else value.value
            found[name] = [str(item.value) for item in items]
            check = (lists or {})[name]
            problems += [
                f"{file}:{item.place}: {each}" for item in items for each in _complaints(check, item.value)
            ]
        elif isinstance(value.value, str):
            wrong = _problems(declared, name, value.value)
            problems += [f"{file}:{value.place}: {each}" for each in wrong]
            given[name] = value.value
        else:
            known = next((each for each in declared if each.name == name), None)
            text = f"a list is not allowed: {known.allowed}" if known else "there is no such setting"
            problems.append(f"{file}:{value.place}: {name}: {text}")
    for option in options:
        name, equals, text = option.partition("=")
        if not equals:
            problems.append(f"{option!r}: write NAME=VALUE")
            continue
        problems += _problems(declared, name.strip(), text)
        given[name.strip()] = text
    if problems:
        raise SettingsError(problems)
    settings = Settings(declared, given)
    settings.lists = found
    return settings


def _problems(declared: Iterable[Setting], name: str, value: str) -> list[str]:
    try:
        Settings(declared, {name: value})
    except SettingsError as error:
        return error.problems
    return []


def _complaints(check: Callable[[str], object], text: Any) -> list[str]:
    try:
        check(text)
    except ValueError as error:
        return str(error).splitlines()
    return []
