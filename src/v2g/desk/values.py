"""The settings of the desk's charger and car: read from a small YAML file and from ``NAME=VALUE`` options.

A setting is declared once, with its type, unit, range and meaning; the help of the commands and the guide
read the declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

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
        if self.default is None and text.lower() in ("none", "null", ""):
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


def gather(declared: Iterable[Setting], file: Path | None, options: Iterable[str]) -> Settings:
    """Settings from a file, then from options, which win.

    Raises:
        SettingsError: the file or an option cannot be read; all problems, those of the file with its name.
    """
    declared = tuple(declared)
    problems: list[str] = []
    given: dict[str, Any] = {}
    if file is not None:
        try:
            from_file = _file(file)
            Settings(declared, from_file)
            given |= from_file
        except SettingsError as error:
            problems += [f"{file}: {each}" for each in error.problems]
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            problems.append(f"{option!r}: write NAME=VALUE")
            continue
        try:
            Settings(declared, {name.strip(): value})
            given[name.strip()] = value
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)
    return Settings(declared, given)


def _file(path: Path) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise SettingsError([f"byte {error.start}: this is no UTF-8 text"]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise SettingsError([f"{place}{error.problem}"]) from None
    except yaml.YAMLError as error:
        raise SettingsError([str(error).splitlines()[0]]) from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise SettingsError(["a list of NAME: VALUE lines is wanted"])
    return {str(name): value for name, value in found.items()}
