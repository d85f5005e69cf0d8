"""Exports the declared keys of a file as JSON Schema (draft 2020-12) for editors."""

from __future__ import annotations

from chargectl.config.paths import ANY_INDEX, ANY_NAME
from chargectl.config.shape import Shape
from chargectl.declarations.types import JsonValue, Key, KeyType

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, JsonValue]


def json_schema(shape: Shape, title: str) -> Schema:
    """The schema of one file. Unknown keys are not allowed, so that an editor underlines them."""
    return {"$schema": DIALECT, "title": title, "allowComments": True, **_place(shape)}


def _place(place: Shape) -> Schema:
    schema: Schema = {}
    if place.key is not None:
        schema.update(_key(place.key))
    if place.members:
        named: Schema = {name: _place(below) for name, below in place.members.items() if name != ANY_NAME}
        free = place.members.get(ANY_NAME)
        schema["type"] = "object"
        if named:
            schema["properties"] = named
        schema["additionalProperties"] = _place(free) if free else False
    elif place.elements:
        schema["type"] = "array"
        free_element = place.elements.get(ANY_INDEX)
        fixed: list[JsonValue] = [
            _place(place.elements[index]) for index in sorted(place.elements) if index != ANY_INDEX
        ]
        if fixed:
            schema["prefixItems"] = fixed
        schema["items"] = _place(free_element) if free_element else False
    return schema


def _key(key: Key) -> Schema:
    text = f"{key.meaning} {key.applies}".strip()
    schema: Schema = {"description": text}
    if key.default is not None:
        schema["default"] = key.default
    item = _item(key)
    if key.type in (KeyType.OBJECT, KeyType.OBJECTS):
        schema["type"] = "object" if key.type is KeyType.OBJECT else "array"
    elif key.type in (KeyType.STRINGS, KeyType.INTEGERS):
        schema.update({"type": "array", "items": item})
    elif key.type is KeyType.STRING_OR_STRINGS:
        schema["anyOf"] = [item, {"type": "array", "items": item}]
    else:
        schema.update(item)
    if key.nullable:
        rest = {name: schema.pop(name) for name in list(schema) if name not in ("description", "default")}
        schema["anyOf"] = [rest, {"type": "null"}]
    return schema


def _item(key: Key) -> Schema:
    """The schema of one value of the key, or of one element when it is an array."""
    if key.type is KeyType.BOOLEAN:
        return {"type": "boolean"}
    if key.type in (KeyType.INTEGER, KeyType.INTEGERS):
        bounds: Schema = {"type": "integer"}
        if key.minimum is not None:
            bounds["minimum"] = key.minimum
        if key.maximum is not None:
            bounds["maximum"] = key.maximum
        if key.also_allowed and len(bounds) > 1:
            others: list[JsonValue] = list(key.also_allowed)
            return {"anyOf": [bounds, {"enum": others}]}
        return bounds
    schema: Schema = {"type": "string"}
    if key.allowed:
        schema["enum"] = list(key.allowed)
    if key.maximum_size is not None:
        schema["maxLength"] = key.maximum_size
    return schema
