"""The slots of a complex type: what its Python class calls its attributes, its text and its elements."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .model import ComplexType, Element, Group, Leaf, SimpleType, Term, Type, leaves
from .source import Problems, QName


@dataclass(frozen=True)
class Slot:
    """A row of v2gexi_slots. `max` 0: without bound; name None: the text or the content."""

    name: QName | None
    type: Type | None
    min: int
    max: int
    kind: str = ""
    """"attribute", "text", "group", "content" or, an element, ""."""

    @property
    def local(self) -> str:
        """The slot's name in Python."""
        return self.name[1] if self.name is not None else "value" if self.kind == "text" else "content"


@dataclass
class Slots:
    """The slots of a type and which element or attribute fills which."""

    ordered: bool
    all: list[Slot] = field(default_factory=list)
    names: dict[QName, int] = field(default_factory=dict)

    def slot_of(self, element: Element) -> int:
        """The number of the slot that an element of the content model fills."""
        return len(self.all) - 1 if self.ordered else self.names[element.name]


def is_ordered(made: ComplexType) -> bool:
    """Whether the order of the children says something that slots cannot."""
    if made.simple is not None:
        return False
    found = leaves(made.content)
    if made.mixed or any(leaf.element is None or _is_unclear(leaf.element) for leaf in found):
        return True
    return _repeats(made.content) or _interleaves(made.content)


def _is_unclear(element: Element) -> bool:
    """Whether values do not tell which member of a substitution group they are: simple or equal types."""
    if not element.is_global or len(element.members) < 2:
        return False
    types = [member.type for member in element.members if not member.abstract]
    return len(set(types)) < len(types) or any(isinstance(one, SimpleType) for one in types)


def _repeats(term: Term) -> bool:
    """Whether a group of several places is repeated."""
    if isinstance(term, Leaf):
        return False
    inside = leaves(term)
    if term.high != 1 and inside:
        return True
    return any(_repeats(item) for item in term.items)


def _interleaves(term: Term) -> bool:
    """Whether one name has two places that can both be taken."""
    if isinstance(term, Leaf):
        return False
    if any(_interleaves(item) for item in term.items):
        return True
    if term.choice:
        return False
    names = [{leaf.element.name for leaf in leaves(item) if leaf.element} for item in term.items]
    return sum(map(len, names)) > len(set[QName]().union(*names))


def _occurrences(term: Term) -> dict[QName, tuple[Element, int, int | None]]:
    """How often each element may stand at least and at most."""
    if isinstance(term, Leaf):
        assert term.element is not None
        return {term.element.name: (term.element, term.low, term.high)}
    parts = [_occurrences(item) for item in term.items]
    found: dict[QName, tuple[Element, int, int | None]] = {}
    for part in parts:
        for name, (element, low, high) in part.items():
            alternative = term.choice and any(name not in other for other in parts)
            low = 0 if term.low == 0 or alternative else low  # noqa: PLW2901
            if name in found:
                _, other_low, other_high = found[name]
                low = min(low, other_low)  # noqa: PLW2901
                high = None if high is None or other_high is None else max(high, other_high)  # noqa: PLW2901
            found[name] = (element, low, high)
    return found


def slots_of(made: ComplexType, problems: Problems) -> Slots:
    """The slots: attributes in the order of the grammar, the text, elements in the order of the schema."""
    slots = Slots(is_ordered(made))
    for attribute in made.attributes:
        slots.names[attribute.name] = len(slots.all)
        slots.all.append(Slot(attribute.name, attribute.type, int(attribute.required), 1, "attribute"))
    if made.simple is not None:
        slots.all.append(Slot(None, made.simple, 1, 1, "text"))
    elif slots.ordered:
        slots.all.append(Slot(None, None, 0, 0, "content"))
    else:
        _elements(made.content, slots)
    if made.restricts and isinstance(made.base, ComplexType) and made.base.name[1] != "anyType":
        slots = _as_base(slots_of(made.base, problems), slots)
    locals_ = [slot.local for slot in slots.all]
    for name in sorted({name for name in locals_ if locals_.count(name) > 1}):
        problems.add(
            made.where, f'type "{made.name[1]}" has two places called "{name}": names have to differ'
        )
    if len(slots.all) > 0xFE:
        problems.add(made.where, f'type "{made.name[1]}" has {len(slots.all)} places: up to 254 are allowed')
    _against_base(made, slots, problems)
    return slots


def _elements(content: Group, slots: Slots) -> None:
    for name, (element, low, high) in _occurrences(content).items():
        slots.names[name] = len(slots.all)
        kind = "group" if len(element.members) > 1 else ""
        slots.all.append(Slot(name, element.type, low, 0 if high is None else high, kind))


def _as_base(base: Slots, own: Slots) -> Slots:
    """The slots of a restriction: all those of its base, even if nothing may fill them any more."""
    slots = Slots(base.ordered)
    for slot in base.all:
        if slot.name is None:
            slots.all.append(slot)
            continue
        slots.names[slot.name] = len(slots.all)
        kept = own.all[own.names[slot.name]] if slot.name in own.names else replace(slot, min=0)
        slots.all.append(replace(kept, max=slot.max))
    return slots


def _against_base(made: ComplexType, slots: Slots, problems: Problems) -> None:
    """A subclass has the slots of its base class; what goes into a list there cannot go into slots here."""
    base = made.base
    if not isinstance(base, ComplexType) or base.name[1] == "anyType":
        return
    if slots.ordered and not is_ordered(base) and leaves(base.content):
        what = (
            "adds a wildcard, mixed content or a repeated group to a base that has elements and none of these"
        )
        problems.add(made.where, f'type "{made.name[1]}" {what}: such an extension is not supported')
