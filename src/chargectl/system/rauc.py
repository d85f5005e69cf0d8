"""RAUC, the update framework, over D-Bus (interface de.pengutronix.rauc.Installer, RAUC 1.8 and later).

Every call opens a connection of its own, so a restarted bus or service costs one call and nothing after it.
The bus starts the service when it is not running. RAUC answers one question at a time: while it installs, all
but :meth:`Rauc.follow`, :meth:`Rauc.installing` and the properties are refused with its words "already
processing a different method".
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

# The command line and the daemon import this module for its types as well; jeepney comes with the first call.
if TYPE_CHECKING:
    from jeepney import Message  # type: ignore[import-untyped]
    from jeepney.io.blocking import DBusConnection  # type: ignore[import-untyped]

SYSTEM_BUS: Final = "SYSTEM"
"""The bus of the system: what DBUS_SYSTEM_BUS_ADDRESS says, else the usual socket."""
CALL_S: Final = 60.0
"""The longest a call may take. RAUC hashes a whole plain bundle before it answers: seconds on a slow core."""
CONNECT_S: Final = 5.0
"""The longest that the bus may take to accept the connection."""
CHECK_S: Final = 10.0
"""During an installation RAUC is asked for its state after so long without a signal: it may have ended."""
LARGEST_TEXT: Final = 400
"""RAUC's errors are chains of causes; what is longer than this is cut."""

_NAME = "de.pengutronix.rauc"
_INTERFACE = "de.pengutronix.rauc.Installer"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_BUS = "org.freedesktop.DBus"
_UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
_BUSY = "lready processing a different method"
_ABSENT = ("org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner")

OnProgress = Callable[[int, str], None]
"""Gets the progress in percent and what RAUC is doing, in its words."""


class RaucError(RuntimeError):
    """RAUC refused, failed or is not there; the text is one line for people."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot as RAUC knows it; texts are empty and numbers 0 where RAUC has not noted anything."""

    name: str
    """As in system.conf: ``rootfs.0``."""
    bootname: str
    """As the boot loader calls it: ``A``."""
    device: str
    state: str
    """``booted``, ``active`` or ``inactive``."""
    boot_status: str
    """``good`` or ``bad``: whether the boot loader would still take it."""
    version: str
    """Version of the bundle that was installed into it; empty for a slot that was flashed."""
    installed_at: str
    """Time of the installation in UTC: ``2026-03-01T12:00:00Z``."""
    activated_at: str
    installed_count: int
    bundle_hash: str = ""
    """Hash of the installed bundle's manifest; RAUC 1.9 and later."""
    image_sha256: str = ""
    """SHA-256 of the installed image."""
    status: str = ""
    """``ok``; ``update`` or ``pending`` when an installation has not come to its end."""

    @property
    def complete(self) -> bool:
        """Whether no installation has been left half done in it, as far as RAUC knows."""
        return self.status in ("", "ok")


@dataclass(frozen=True, slots=True)
class BundleInfo:
    """What a bundle with a valid signature says of itself; ``hash`` is empty before RAUC 1.9."""

    compatible: str
    version: str
    hash: str


class Rauc:
    """The service on the bus ``address``. All methods block and raise RaucError; threads may share it."""

    def __init__(
        self, address: str = SYSTEM_BUS, *, call_s: float = CALL_S, check_s: float = CHECK_S
    ) -> None:
        self._address = address
        self._call_s = call_s
        self._check_s = check_s

    def slots(self) -> tuple[Slot, ...]:
        """All slots, sorted by name."""
        with self._session() as session:
            found = session.call("GetSlotStatus")[0]
        return tuple(sorted((_slot(name, status) for name, status in found), key=lambda slot: slot.name))

    def booted(self) -> str:
        """The boot loader's name of the running slot: ``A``."""
        return str(self._property("BootSlot"))

    def primary(self) -> str:
        """The name of the slot that is tried first at the next start: ``rootfs.0``."""
        with self._session() as session:
            return str(session.call("GetPrimary")[0])

    def compatible(self) -> str:
        """What the ``compatible`` of a bundle must be for this system."""
        return str(self._property("Compatible"))

    def installing(self) -> bool:
        """Whether an installation runs, whoever began it."""
        with self._session() as session:
            return session.installing()

    def bundle_info(self, path: str) -> BundleInfo:
        """Read a bundle after checking its signature."""
        with self._session() as session:
            try:
                info = session.call("InspectBundle", "sa{sv}", (path, {}))[0]
            except _UnknownMethodError:
                compatible, version = session.call("Info", "s", (path,))
                return BundleInfo(str(compatible), str(version), "")
        update = _plain(info.get("update", ("a{sv}", {})))
        return BundleInfo(_text(update, "compatible"), _text(update, "version"), _text(info, "manifest-hash"))

    def mark(self, state: str, slot: str = "booted") -> str:
        """Mark a slot ``good``, ``bad`` or ``active`` (the next to start); returns what RAUC did, in words.

        ``slot`` is ``booted``, ``other`` or a slot's name.
        """
        with self._session() as session:
            return str(session.call("Mark", "ss", (state, slot))[1])

    def install(
        self, source: str, on_progress: OnProgress | None = None, *, http_headers: Sequence[str] = ()
    ) -> None:
        """Install a bundle from a path or URL into the other slot; returns when it is installed.

        ``http_headers`` go with each request of a streamed bundle (``Authorization: Basic ...``): what stands
        in the URL would stand in RAUC's log. Raises RaucError with RAUC's own reason, also when the service
        ends meanwhile; a caller that goes away does not stop the installation.
        """
        arguments = {"http-headers": ("as", list(http_headers))} if http_headers else {}
        with self._session() as session:
            session.listen()
            session.call("InstallBundle", "sa{sv}", (source, arguments))
            self._wait(session, on_progress)

    def follow(self, on_progress: OnProgress | None = None) -> bool:
        """Wait for an installation that somebody has begun. Returns False at once when there is none.

        True when it succeeded; raises RaucError when it failed.
        """
        with self._session() as session:
            session.listen()
            if not session.installing():
                return False
            self._wait(session, on_progress)
        return True

    def _wait(self, session: _Session, on_progress: OnProgress | None) -> None:
        while True:
            signal = session.next_signal(self._check_s)
            if signal is None and not session.installing():
                # Its end was announced before the operation became idle; the signal would be here by now.
                signal = session.next_signal(0)
                if signal is None:
                    raise RaucError(
                        "RAUC: the installation ended without a result; was the service restarted?"
                    )
            match signal:
                case None:
                    continue
                case int():
                    break
                case (percent, message):
                    if on_progress is not None:
                        on_progress(percent, message)
        if signal != 0:
            reason = _line(str(session.get("LastError")))
            raise RaucError(reason or "RAUC: the installation failed, no reason given")

    def _property(self, name: str) -> Any:
        with self._session() as session:
            return session.get(name)

    @contextmanager
    def _session(self) -> Iterator[_Session]:
        from jeepney import DBusErrorResponse
        from jeepney.io.blocking import open_dbus_connection

        try:
            connection = open_dbus_connection(self._address, auth_timeout=CONNECT_S)
        except (OSError, RuntimeError, ValueError) as error:
            raise RaucError(f"D-Bus ({self._address}) is not reachable: {error}") from error
        try:
            with connection:
                yield _Session(connection, self._call_s)
        except TimeoutError as error:
            raise RaucError(f"RAUC did not answer within {self._call_s:g} s") from error
        except OSError as error:
            raise RaucError(f"D-Bus: connection lost: {error.strerror or error}") from error
        except DBusErrorResponse as error:
            raise RaucError(_reason(error.name, error.data)) from error


class _UnknownMethodError(RaucError):
    """The service is older than the method."""


class _Session:
    """One connection."""

    def __init__(self, connection: DBusConnection, call_s: float) -> None:
        self._connection = connection
        self._call_s = call_s
        self._signals: deque[Message] = deque()
        self._owner = ""

    def call(self, method: str, signature: str | None = None, body: tuple[Any, ...] = ()) -> Any:
        """Call a method of the installer; returns the reply's arguments."""
        from jeepney import DBusErrorResponse

        try:
            return self._call(_NAME, "/", _INTERFACE, method, signature, body)
        except DBusErrorResponse as error:
            if error.name == _UNKNOWN_METHOD:
                raise _UnknownMethodError(f"RAUC has no method {method}") from error
            raise

    def get(self, name: str) -> Any:
        """A property of the installer."""
        return _plain(self._call(_NAME, "/", _PROPERTIES, "Get", "ss", (_INTERFACE, name))[0])

    def installing(self) -> bool:
        """Whether an installation runs. The operation alone does not tell: RAUC sets it to ``idle`` as well
        when it refuses a second installation while the first one goes on."""
        from jeepney import DBusErrorResponse

        if self.get("Operation") == "installing":
            return True
        try:
            self.call("GetPrimary")
        except DBusErrorResponse as error:
            return _BUSY in _reason(error.name, error.data)
        return False

    def listen(self) -> None:
        """Collect the installer's signals from now on, and the news that its service has gone."""
        from jeepney import MatchRule

        self.get("Operation")  # starts the service where the bus does that
        self._owner = self._call(_BUS, "/org/freedesktop/DBus", _BUS, "GetNameOwner", "s", (_NAME,))[0]
        for rule in (
            f"type='signal',sender='{_NAME}',path='/'",
            f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0='{_NAME}'",
        ):
            self._call(_BUS, "/org/freedesktop/DBus", _BUS, "AddMatch", "s", (rule,))
        # Not by sender: signals carry the number of the connection, not the name.
        self._connection.filter(MatchRule(type="signal"), queue=self._signals)

    def next_signal(self, timeout_s: float) -> int | tuple[int, str] | None:
        """The result of the installation, or a progress; None when nothing came.

        Raises RaucError when the service has left the bus.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                message = self._connection.recv_until_filtered(
                    self._signals, timeout=max(0.0, deadline - time.monotonic())
                )
            except TimeoutError:
                return None
            found = self._read(message)
            if found is not None:
                return found

    def _read(self, message: Message) -> int | tuple[int, str] | None:
        from jeepney import HeaderFields

        fields = message.header.fields
        sender, member = fields.get(HeaderFields.sender), fields.get(HeaderFields.member)
        if sender == _BUS and member == "NameOwnerChanged" and message.body[:2] == (_NAME, self._owner):
            raise RaucError("RAUC: the service ended during the installation")
        if sender != self._owner:
            return None  # anybody on the bus may send a signal of this name
        if member == "Completed":
            return int(message.body[0])
        if member == "PropertiesChanged" and "Progress" in message.body[1]:
            percent, text, _depth = _plain(message.body[1]["Progress"])
            return int(percent), str(text)
        return None

    def _call(
        self, name: str, path: str, interface: str, method: str, signature: str | None, body: tuple[Any, ...]
    ) -> Any:
        from jeepney import DBusAddress, new_method_call
        from jeepney.wrappers import unwrap_msg  # type: ignore[import-untyped]

        message = new_method_call(DBusAddress(path, name, interface), method, signature, body)
        return unwrap_msg(self._connection.send_and_get_reply(message, timeout=self._call_s))


def _plain(variant: Any) -> Any:
    """The value of a variant, however many variants are around it."""
    signature, value = variant
    return _plain(value) if signature == "v" else value


def _text(values: Mapping[str, Any], key: str) -> str:
    return str(_plain(values[key])) if key in values else ""


def _slot(name: str, status: Mapping[str, Any]) -> Slot:
    return Slot(
        name=name,
        bootname=_text(status, "bootname"),
        device=_text(status, "device"),
        state=_text(status, "state"),
        boot_status=_text(status, "boot-status"),
        version=_text(status, "bundle.version"),
        installed_at=_text(status, "installed.timestamp"),
        activated_at=_text(status, "activated.timestamp"),
        installed_count=int(_text(status, "installed.count") or 0),
        bundle_hash=_text(status, "bundle.hash"),
        image_sha256=_text(status, "sha256"),
        status=_text(status, "status"),
    )


def _reason(name: str, data: object) -> str:
    if name in _ABSENT:
        return "RAUC's service is not on the bus; is it installed and allowed to start?"
    text = data[0] if isinstance(data, tuple) and data and isinstance(data[0], str) else name
    return f"RAUC: {_line(text)}"


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LARGEST_TEXT else line[: LARGEST_TEXT - 3] + "..."
