"""Whether what a message holds may stand together, by its type's grammar; goes on behind what may not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from v2gexi import _core, schema
from v2gexi._places import Path

_Production = tuple[int, int]


class Offer(NamedTuple):
    """Something that a message holds: its slot's index, its name, its type in a substitution group, its path.

    ``special`` is what a production consumes that is no particle, such as characters."""

    slot: int
    name: str
    path: Path
    member: int | None = None
    special: int | None = None


def wrong_places(
    type_number: int, offers: Iterable[Offer], path: Path, missing: set[str], say: Callable[[Path, str], None]
) -> None:
    """Say of everything that is too much, excluded or missing.

    Args:
        type_number: of the message.
        offers: what it holds, in the order of the schema.
        path: the message's.
        missing: slots of which it has been said already that they are missing.
        say: is called for each problem.
    """
    at = schema.type_of(type_number).start
    if at is None:
        return
    run = _Run(at)
    refused: set[int] = set()
    slots = schema.type_of(type_number).slots
    for offer in offers:
        if run.take(offer):
            continue
        way = run.way_to(offer)
        if way is not None:
            _say_missing(way, path, missing, slots, say)
            run = _Run(way[-1])
            run.take(offer)
        elif offer.slot not in refused:
            # Of a list, one line is enough.
            refused.add(offer.slot)
            most = slots[offer.slot].maximum
            too_many = most > 1 and run.last_slot == offer.slot and run.count >= most
            where = (
                "at most {most} are allowed"
                if too_many
                else "it excludes, or is excluded by, what stands before it"
            )
            say(offer.path, where.format(most=most))
    way = run.way_to(None)
    if way is not None:
        _say_missing(way, path, missing, slots, say)


def _say_missing(
    way: list[int],
    path: Path,
    missing: set[str],
    slots: tuple[schema.Slot, ...],
    say: Callable[[Path, str], None],
) -> None:
    """One of what could stand in each state but the last has to be there."""
    for state in way[:-1]:
        particles = [
            schema.particle_of(particle)
            for particle, _ in productions(state)
            if particle < schema.FIRST_SPECIAL
        ]
        said = {slots[particle.slot].name for particle in particles} & missing
        names = list(dict.fromkeys(particle.name for particle in particles))
        if names and not said:
            say(path, f"{' or '.join(names)} is missing")


class _Run:
    """A way through the states of a grammar."""

    def __init__(self, state: int) -> None:
        self.state = state
        self.last_slot = -1
        self.count = 0
        """How many of the last particle have followed each other."""
        self._last = -1

    def take(self, offer: Offer) -> bool:
        """Go on with something; False where it may not stand."""
        for production in productions(self.state):
            if not _consumes(production, offer):
                continue
            particle, following = production
            self.count = self.count + 1 if particle == self._last else 1
            self._last = particle
            self.last_slot = offer.slot
            if particle < schema.FIRST_SPECIAL:
                maximum = schema.particle_of(particle).maximum
                if maximum > 1 and self.count >= maximum:
                    following += 1
                    self._last = -1
            self.state = following
            return True
        return False

    def way_to(self, offer: Offer | None) -> list[int] | None:
        """The shortest way to a state in which something may stand (None: the end); None if there is none."""
        ways = {self.state: [self.state]}
        todo = [self.state]
        for state in todo:
            for production in productions(state):
                if production[0] == schema.END if offer is None else _consumes(production, offer):
                    return ways[state]
            for following in _following(state):
                if following not in ways:
                    ways[following] = [*ways[state], following]
                    todo.append(following)
        return None


def _consumes(production: _Production, offer: Offer) -> bool:
    number = production[0]
    if number >= schema.FIRST_SPECIAL:
        return number == offer.special
    if offer.special is not None:
        return False
    particle = schema.particle_of(number)
    return (
        particle.slot == offer.slot
        and (offer.member is None or particle.type == offer.member)
        and particle.name == offer.name
    )


def _following(state: int) -> Iterator[int]:
    for production in productions(state):
        yield from schema.next_states(production)


@cache
def productions(state: int) -> tuple[_Production, ...]:
    """What may stand in a state, and the states that follow."""
    return _core.state_info(state)
