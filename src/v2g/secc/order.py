"""The order of effects: an opening of the contactor comes before everything else."""

from __future__ import annotations

from v2g.secc.effects import CableCheck, Contactor, DcTarget, Effect


def after_opening(effects: list[Effect], *more: Effect) -> list[Effect]:
    """More effects before all but an opening of the contactor."""
    at = 1 if effects and isinstance(effects[0], Contactor) else 0
    return [*effects[:at], *more, *effects[at:]]


def opening_first(effects: list[Effect]) -> list[Effect]:
    """The last opening of the contactor before everything else; what it undoes is left out."""
    last = max((at for at, each in enumerate(effects) if each == Contactor(False)), default=0)
    if not last:
        return effects
    before = [each for each in effects[:last] if not isinstance(each, (CableCheck, Contactor, DcTarget))]
    return [effects[last], *before, *effects[last + 1 :]]
