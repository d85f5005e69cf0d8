"""names.h: names and message sets as constants for C."""

from __future__ import annotations

import re
from typing import Final

from .source import XML, XSD, QName
from .strings import XSI
from .tables import Tables
from .write_c import NOTICE

_OWN: Final = {"": "UNQUALIFIED", XML: "XML", XSI: "XSI", XSD: "XSD"}


def identifier(text: str) -> str:
    """The text as a part of an identifier."""
    return re.sub(r"\W", "_", text, flags=re.ASCII)


def prefixes(tables: Tables) -> dict[str, str]:
    """What a namespace's names begin with: the message set whose own it is, or the first that has it."""
    found = dict(_OWN)
    for row in tables.sets:
        found.setdefault(row.namespace, identifier(row.name).upper())
    for row in tables.sets:
        for uri, _ in row.partitions:
            found.setdefault(uri, identifier(row.name).upper())
    return found


def constants(tables: Tables) -> list[tuple[str, int, QName]]:
    """Each name's constant and number. Equal ones of several namespaces name the end of the namespace too."""
    prefix = prefixes(tables)
    short = [f"V2GEXI_{prefix[uri]}_{identifier(local)}" for uri, local in tables.names]
    made: list[tuple[str, int, QName]] = []
    taken: set[str] = set()
    for number, (uri, local) in enumerate(tables.names):
        name = short[number]
        if short.count(name) > 1:
            end = identifier(re.split(r"[:/]", uri.rstrip(":/#"))[-1])
            name = f"V2GEXI_{prefix[uri]}_{end}_{identifier(local)}"
        while name in taken:
            name += "_"
        taken.add(name)
        made.append((name, number, (uri, local)))
    return made


def names_h(tables: Tables) -> str:
    """The file names.h."""
    lines = [
        f"/* {NOTICE}",
        " *",
        " * V2GEXI_SET_*: message sets, as places in v2gexi_sets. V2GEXI_<set>_<name>: qualified names, as",
        " * places in v2gexi_names; <set> is the message set whose namespace it is. */",
        "#ifndef V2GEXI_NAMES_H",
        "#define V2GEXI_NAMES_H",
        "",
        "enum {",
        *(f"    V2GEXI_SET_{identifier(row.name).upper()} = {n}," for n, row in enumerate(tables.sets)),
        "};",
        "",
    ]
    before: str | None = None
    for name, number, (uri, _) in constants(tables):
        if uri != before:
            lines += ["};", ""] if before is not None else []
            lines += [f"/* {uri or 'without namespace'} */", "enum {"]
            before = uri
        lines.append(f"    {name} = {number},")
    lines += ["};", "", "#endif", ""]
    return "\n".join(lines)
