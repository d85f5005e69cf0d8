"""What is asked for: a URL, how often to try, how long to wait in between (guide 11.5), and who asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, unique
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

SCHEMES: Final = ("http", "https", "ftp", "ftps")
"""Protocols of a download (guide 11.6)."""
DELTA_ENDING: Final = ".raucb"
"""URLs with this ending are handed to RAUC, which fetches only what it lacks (guide 11.7)."""
CHECKED_SCHEMES: Final = ("http", "https")
"""A `.raucb` URL of these is tested with a HEAD request before RAUC gets it (guide 11.5)."""
LARGEST_NUMBER: Final = 2**31 - 1
"""Trials and seconds of an interval beyond this are taken for this: 68 years."""
_SAFE: Final = "!$&'()*+,;=-._~"
_PORTS: Final = range(1, 65536)


class RequestError(ValueError):
    """A URL that cannot be used; the text is one line without the URL's secrets."""


@unique
class Origin(Enum):
    """Who asks for an update; it decides about the reboot (guide 11.2 to 11.6)."""

    MQTT = "mqtt"
    """Never reboots: the customer's software does, when it suits."""
    OCPP = "ocpp"
    """Reboots after the installation and after the session; the result is reported after the reboot."""
    USB = "usb"
    """Reboots at once."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request for an update, checked. ``url`` holds the credentials: it must not be shown."""

    url: str
    max_trials: int = 1
    interval_s: int = 0
    origin: Origin = Origin.MQTT
    not_before_s: int = 0
    """Begin at this time of day (seconds since 1970, UTC); 0 at once."""

    @property
    def shown_url(self) -> str:
        """The URL without user, password and query, for people."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=_host(parts), query="", fragment="").geturl()

    @property
    def bare_url(self) -> str:
        """The URL without user and password: what identifies the file."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=_host(parts)).geturl()

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User and password of the URL, as they are."""
        parts = urlsplit(self.url)
        if parts.username is None:
            return None
        return unquote(parts.username), unquote(parts.password or "")

    @property
    def delta(self) -> bool:
        """Whether RAUC fetches the update itself."""
        return urlsplit(self.url).path.endswith(DELTA_ENDING)

    @property
    def checked_first(self) -> bool:
        """Whether RAUC gets the URL only after a test that it can be reached."""
        return self.delta and urlsplit(self.url).scheme in CHECKED_SCHEMES

    def without_secrets(self) -> Request:
        """The same request as it may be kept once it is done."""
        return replace(self, url=self.shown_url)


def make_request(
    url: str, max_trials: str = "", interval_s: str = "", origin: Origin = Origin.MQTT
) -> Request:
    """A request from the texts of the three topics.

    Trials and interval that are no numbers, or too small, are silently replaced (guide 11.5). Special
    characters of user and password are percent-encoded, so that every reader finds the same host. Raises
    RequestError.
    """
    text = url.strip()
    if not text.isprintable() or " " in text:
        raise RequestError("the URL holds a blank or a control character; write it as %20 or the like")
    try:
        parts = urlsplit(text)
        scheme, port = parts.scheme.lower(), parts.port
    except ValueError:
        # What urlsplit says may repeat the password.
        raise RequestError("the URL's host or port cannot be read; a port is 1 to 65535") from None
    if scheme not in SCHEMES:
        raise RequestError(f"URL of type {scheme[:20]!r}; allowed are {', '.join(SCHEMES)}")
    if not parts.hostname:
        raise RequestError("the URL names no host")
    if port is not None and port not in _PORTS:
        raise RequestError("the URL's host or port cannot be read; a port is 1 to 65535")
    user = "" if parts.username is None else f"{_encoded(parts.username)}:{_encoded(parts.password or '')}@"
    clean = parts._replace(scheme=scheme, netloc=user + _host(parts), fragment="").geturl()
    return Request(clean, _number(max_trials, 1), _number(interval_s, 0), origin)


def _number(text: str, least: int) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        return least
    # Compared by length first: anybody may publish a number of a thousand digits.
    return max(least, min(int(digits), LARGEST_NUMBER)) if len(digits) <= 18 else LARGEST_NUMBER


def _encoded(text: str) -> str:
    return quote(unquote(text), safe=_SAFE)


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
