"""How a session collects what it wants and tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from v2g.common.effects import Checkpoint, Log
from v2g.common.session_effects import PhaseChanged
from v2g.common.terms import Phase

Effect = TypeVar("Effect")
Fact = TypeVar("Fact")


class Teller(Generic[Effect, Fact]):
    """Collects effects, and knows what was told already.

    Args:
        telling: the effect that tells a fact of the other side.
        phase: the one that the session begins in, if that was told before.
    """

    def __init__(self, telling: Callable[[Fact, Any], Effect], phase: Phase | None = None) -> None:
        self._telling = telling
        self._effects: list[Any] = []
        self._told: dict[Fact, Any] = {}
        self._phase = phase

    def tell(self, effect: Effect) -> None:
        """Add an effect."""
        self._effects.append(effect)

    def log(self, text: str) -> None:
        """Add a line for people."""
        self._effects.append(Log(text))

    def checkpoint(self, number: int) -> None:
        """A step was reached; 0 is none."""
        if number:
            self._effects.append(Checkpoint(number))

    def told(self, fact: Fact, value: Any) -> None:
        """The other side said this; None (absent) and what it said before tell nothing."""
        if value is not None and self._told.get(fact) != value:
            self._told[fact] = value
            self._effects.append(self._telling(fact, value))

    def known(self, fact: Fact) -> Any:
        """What the other side last said about a fact, None if nothing."""
        return self._told.get(fact)

    def phase(self, phase: Phase | None) -> None:
        """The session is in this phase from now on; the one before has finished."""
        if phase is self._phase:
            return
        if self._phase is not None:
            self._effects.append(PhaseChanged(self._phase, False))
        self._phase = phase
        if phase is not None:
            self._effects.append(PhaseChanged(phase, True))

    def take_effects(self) -> list[Effect]:
        """All effects since the last call."""
        effects, self._effects = self._effects, []
        return effects
