"""Short constructors, so that the key tables read as tables."""

from __future__ import annotations

from chargectl.declarations.types import ConfigFile, JsonValue, Key, KeyType

OWN = "chargectl"
"""The section of what the guide does not have."""


def boolean(
    path: str,
    default: bool,
    meaning: str,
    section: str,
    *,
    applies: str = "",
    ocpp_writable: bool = True,
    shipped: JsonValue = None,
) -> Key:
    """A key of customer.json that is true or false."""
    return Key(
        ConfigFile.CUSTOMER,
        path,
        KeyType.BOOLEAN,
        default,
        meaning,
        section,
        applies=applies,
        ocpp_writable=ocpp_writable,
        shipped=shipped,
    )


def integer(
    path: str,
    default: int | None,
    meaning: str,
    section: str,
    *,
    minimum: int,
    maximum: int | None = None,
    also_allowed: tuple[int, ...] = (),
    applies: str = "",
    default_meaning: str = "",
    shipped: JsonValue = None,
) -> Key:
    """A key of customer.json that holds a whole number."""
    return Key(
        ConfigFile.CUSTOMER,
        path,
        KeyType.INTEGER,
        default,
        meaning,
        section,
        minimum=minimum,
        maximum=maximum,
        also_allowed=also_allowed,
        applies=applies,
        default_meaning=default_meaning,
        shipped=shipped,
    )


def choice(
    path: str,
    default: str | None,
    allowed: tuple[str, ...],
    meaning: str,
    section: str,
    *,
    applies: str = "",
    default_meaning: str = "",
) -> Key:
    """A key of customer.json that holds one of some words."""
    return Key(
        ConfigFile.CUSTOMER,
        path,
        KeyType.STRING,
        default,
        meaning,
        section,
        allowed=allowed,
        applies=applies,
        default_meaning=default_meaning,
    )


def text(
    path: str,
    default: str | None,
    meaning: str,
    section: str,
    *,
    maximum_size: int | None = None,
    nullable: bool = False,
    secret: bool = False,
    ocpp_writable: bool = True,
    applies: str = "",
    default_meaning: str = "",
) -> Key:
    """A key of customer.json that holds free text."""
    return Key(
        ConfigFile.CUSTOMER,
        path,
        KeyType.STRING,
        default,
        meaning,
        section,
        maximum_size=maximum_size,
        nullable=nullable,
        secret=secret,
        ocpp_writable=ocpp_writable,
        applies=applies,
        default_meaning=default_meaning,
    )
