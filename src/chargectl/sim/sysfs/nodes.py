"""Folders, links and attribute files: what a sysfs tree is made of."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

_numbers = count(2)
"""Inode numbers; 1 is the root."""


class SysfsError(OSError):
    """An access that the kernel would answer with this errno."""

    def __init__(self, number: int) -> None:
        super().__init__(number, os.strerror(number))
        self.number = number


def invalid() -> SysfsError:
    """What the kernel answers to an unreadable value."""
    return SysfsError(errno.EINVAL)


@dataclass(eq=False, slots=True)
class Node:
    """An entry. ``device`` names what it belongs to, for injected faults (``gpio/131``)."""

    device: str = ""
    path: str = ""
    ino: int = field(default_factory=lambda: next(_numbers))
    gone: bool = False
    """Taken out of the tree: open descriptors fail with ENODEV."""


@dataclass(eq=False, slots=True)
class Link(Node):
    """A symbolic link."""

    target: str = ""


@dataclass(eq=False, slots=True)
class Signal:
    """The notification state of a pollable attribute: counts what happened since it was created."""

    count: int = 1
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def notify(self) -> None:
        """Tell that the attribute has changed."""
        self.count += 1
        for listener in list(self.listeners):
            listener()


@dataclass(eq=False, slots=True)
class Attribute(Node):
    """A file: ``read`` gives its text, ``write`` takes what was written; a missing one is not permitted."""

    read: Callable[[], str] | None = None
    write: Callable[[str], None] | None = None
    signal: Signal | None = None


@dataclass(eq=False, slots=True)
class Folder(Node):
    """A folder, with its entries in the order of their making."""

    children: dict[str, Node] = field(default_factory=dict)

    def add(self, name: str, node: Node) -> None:
        """Put an entry (with all below it) into the folder."""
        self.children[name] = node
        self._place(name, node)

    def remove(self, name: str) -> None:
        """Take an entry (with all below it) out; its open descriptors fail from now on."""
        node = self.children.pop(name)
        for entry in walk(node):
            entry.gone = True
            if isinstance(entry, Attribute) and entry.signal:
                entry.signal.notify()

    def folder(self, path: str, device: str = "") -> Folder:
        """The folder at a relative path, made when missing."""
        here = self
        names = path.split("/")
        for depth, name in enumerate(names, 1):
            child = here.children.get(name)
            if child is None:
                child = Folder(device=device if depth == len(names) else "")
                here.add(name, child)
            assert isinstance(child, Folder), f"{path}: {name} is no folder"
            here = child
        return here

    def file(
        self,
        name: str,
        read: Callable[[], str] | None = None,
        write: Callable[[str], None] | None = None,
        *,
        signal: Signal | None = None,
    ) -> None:
        """Add an attribute that belongs to the same device as the folder."""
        self.add(name, Attribute(device=self.device, read=read, write=write, signal=signal))

    def text(self, name: str, value: str) -> None:
        """Add a constant attribute."""
        self.file(name, lambda: value + "\n")

    def link(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        self.add(name, Link(device=self.device, target=target))

    def _place(self, name: str, node: Node) -> None:
        node.path = f"{self.path}/{name}"
        node.gone = False
        if isinstance(node, Folder):
            for child_name, child in node.children.items():
                node._place(child_name, child)


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield node
    if isinstance(node, Folder):
        for child in node.children.values():
            yield from walk(child)


def to_int(text: str) -> int:
    """A number as the kernel's kstrtol reads it (decimal, 0x, 0); raises SysfsError EINVAL."""
    text = text.removesuffix("\n")
    digits = text.lstrip("+-")
    try:
        if digits.lower().startswith("0x"):
            return int(text, 16)
        if len(digits) > 1 and digits.startswith("0"):
            return int(text, 8)
        if not digits.isdecimal():
            raise invalid()
        return int(text)
    except ValueError:
        raise invalid() from None


def to_unsigned(text: str) -> int:
    """A number that must not be negative; raises SysfsError EINVAL."""
    value = to_int(text)
    if value < 0:
        raise invalid()
    return value


def word(text: str) -> str:
    """A word as sysfs_streq compares it: one trailing newline does not count."""
    return text.removesuffix("\n")
