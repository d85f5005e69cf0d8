"""What the station's status LEDs show: behaviours, conditions and a time in; levels and the next change out.

Of the conditions that hold, the behaviour of the highest priority shows (``chargectl.declarations.leds`` has
the order). A timed behaviour counts from the moment its condition began, also while a higher one hides it: an
authorization granted a minute ago is no news when an error ends. When its time is over the next lower one
resumes; the condition has to end and begin again for another turn. Source: user guide 7.9.2 and Table 49.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chargectl.declarations.leds import COLORS, CONDITION_NAMES, DURATION_UNIT_MS, MODES


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One item of ``leds[]/behaviors`` in leds.json, in the words of that file.

    ``duration`` is in units of 100 ms; 0 lasts as long as the condition. Raises ValueError for a condition,
    mode or colour that is not declared and for a negative duration.
    """

    condition: str
    mode: str
    color: str
    duration: int = 0

    def __post_init__(self) -> None:
        for what, value, known in (
            ("condition", self.condition, CONDITION_NAMES),
            ("mode", self.mode, MODES),
            ("color", self.color, COLORS),
        ):
            if value not in known:
                raise ValueError(f"LED {what} {value!r}: one of {', '.join(known)} is allowed")
        if self.duration < 0:
            raise ValueError(f"LED duration {self.duration}: 0 or more is allowed")


@dataclass(frozen=True, slots=True)
class StatusLed:
    """One LED: the GPIOs of its red, green and blue channel (one to three of them) and its behaviours.

    A colour's channels that have no GPIO are dark. Raises ValueError for another count of GPIOs.
    """

    gpios: tuple[int, ...]
    behaviours: tuple[Behaviour, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.gpios) <= 3:
            raise ValueError(f"LED with {len(self.gpios)} GPIOs: 1 to 3 (red, green, blue) are allowed")


class Indicator:
    """All status LEDs of the station."""

    __slots__ = ("_began", "_deadline", "_faces", "_levels")

    def __init__(self, leds: Sequence[StatusLed]) -> None:
        self._faces = tuple(_Face(led) for led in leds)
        self._began: dict[str, int] = {}
        self._levels: dict[int, bool] = {}
        self._deadline: int | None = None

    @property
    def deadline(self) -> int | None:
        """When ``update`` is due next (ms) if no condition changes; None: nothing changes by itself."""
        return self._deadline

    def update(self, conditions: Collection[str], now_ms: int) -> dict[int, bool]:
        """Return the levels (by GPIO, True is lit) that change now, given the conditions that hold.

        The first call returns the level of every GPIO. ``now_ms`` never goes back.
        """
        for gone in self._began.keys() - set(conditions):
            del self._began[gone]
        for condition in conditions:
            self._began.setdefault(condition, now_ms)
        changed: dict[int, bool] = {}
        self._deadline = None
        for face in self._faces:
            due = face.show(self._began, now_ms)
            if due is not None and (self._deadline is None or due < self._deadline):
                self._deadline = due
            for gpio, level in zip(face.led.gpios, face.channels(now_ms), strict=False):
                if self._levels.get(gpio) is not level:
                    self._levels[gpio] = changed[gpio] = level
        return changed

    def forget(self, gpio: int) -> None:
        """Have the next ``update`` return the GPIO's level again (writing it has failed)."""
        self._levels.pop(gpio, None)


class _Face:
    """What one LED shows at present, and since when."""

    __slots__ = ("_order", "_shown", "_since", "led")

    def __init__(self, led: StatusLed) -> None:
        self.led = led
        self._order = sorted(led.behaviours, key=lambda behaviour: CONDITION_NAMES.index(behaviour.condition))
        self._shown: Behaviour | None = None
        self._since = 0

    def show(self, began: dict[str, int], now_ms: int) -> int | None:
        """Choose what shows, and return when that changes by time alone."""
        chosen, ends = None, None
        for behaviour in self._order:
            start = began.get(behaviour.condition)
            if start is None:
                continue
            ends = start + behaviour.duration * DURATION_UNIT_MS if behaviour.duration else None
            if ends is None or now_ms < ends:
                chosen = behaviour
                break
        if chosen is not self._shown:
            self._shown, self._since = chosen, now_ms
        if chosen is None:
            return None
        mode = MODES[chosen.mode]
        period = mode.on_ms + mode.off_ms
        if not period:
            return ends
        into = (now_ms - self._since) % period
        toggle = now_ms + (mode.on_ms - into if into < mode.on_ms else period - into)
        return toggle if ends is None or toggle < ends else ends

    def channels(self, now_ms: int) -> tuple[bool, bool, bool]:
        """Return the levels of red, green and blue."""
        if self._shown is None:
            return COLORS["black"]
        mode = MODES[self._shown.mode]
        period = mode.on_ms + mode.off_ms
        dark = period and (now_ms - self._since) % period >= mode.on_ms
        return COLORS["black" if dark else self._shown.color]
