"""An observer of others' charging: frames in, lines out. It opens nothing and asks no clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Final, Literal

from v2g.capture import tables
from v2g.capture.events import Event, Layer
from v2g.capture.live import LiveReader
from v2g.capture.live_sessions import LiveSessions
from v2g.capture.live_text import LiveText
from v2g.capture.reading import Recording
from v2g.capture.splitting import Session
from v2g.capture.timeline import Timeline, shown_value
from v2g.common import redact
from v2g.homeplug.frame import address_text
from v2g.slac.effects import ModemReady, SendFrame
from v2g.slac.events import FrameReceived, Tick
from v2g.slac.listen import Listener, Overheard, Run

NS: Final = 1_000_000_000
MS: Final = 1_000_000


class Output:
    """How an observer writes.

    Args:
        start_ns: when it began (nanoseconds since 1970); times are counted from it.
        to: lines to read, or an object a line.
        secrets: show keys and tokens, instead of what takes their place.
        everything: fold no repetitions, leave no values out.
    """

    def __init__(
        self,
        start_ns: int,
        *,
        to: Literal["text", "jsonl"] = "text",
        secrets: bool = False,
        everything: bool = False,
    ) -> None:
        self._recording = Recording(first=start_ns)
        self._secrets = secrets
        self._timeline = Timeline(self._recording, [], secrets=secrets, everything=everything)
        self._text = LiveText(self._timeline, everything=everything) if to == "text" else None

    def event(self, event: Event, session: int) -> list[str]:
        """An event of a session, by that session's number."""
        if self._text is None:
            return [tables.event_line(self._recording, session, event, secrets=self._secrets)]
        return list(self._text.take(event))

    def ended(self, session: Session) -> list[str]:
        """A session that has ended."""
        if self._text is None:
            return [tables.session_line(self._recording, session)]
        lines = [*self._text.flush(), "", self._timeline.heading(session)]
        return [*lines, *self._timeline.conclusions(session), ""]

    def matched(self, run: Run, now_ns: int) -> list[str]:
        """A network's key was heard."""
        values: dict[str, str | bytes | float] = {
            "NID": run.nid.hex().upper(),
            "NMK": run.nmk,
            "EV": address_text(run.ev_mac),
            "EVSE": address_text(run.evse_mac),
        }
        if run.attenuation_db is not None:
            values["average_attenuation"] = round(run.attenuation_db, 1)
        if self._text is None:
            plain = {
                key: value if self._secrets else redact.shown(key, value) for key, value in values.items()
            }
            plain = {
                key: value.hex().upper() if isinstance(value, bytes) else value
                for key, value in plain.items()
            }
            return [json.dumps({"network": plain, "time": (now_ns - (self._recording.first or 0)) / NS})]
        shown = ", ".join(shown_value(key, value, self._secrets) for key, value in values.items())
        return [*self._text.flush(), self._note(f"network: {shown}", now_ns)]

    def heading(self, text: str) -> list[str]:
        """The first line."""
        return [text] if self._text is not None else [json.dumps({"note": text, "time": 0.0})]

    def note(self, text: str, now_ns: int) -> list[str]:
        """A line that is no event's."""
        if self._text is None:
            return [json.dumps({"note": text, "time": (now_ns - (self._recording.first or 0)) / NS})]
        return [self._note(text, now_ns)]

    def deadline(self) -> int | None:
        """When :meth:`tick` has to be called (nanoseconds since 1970)."""
        return None if self._text is None else self._text.deadline()

    def tick(self, now_ns: int) -> list[str]:
        """What time makes necessary."""
        return [] if self._text is None else list(self._text.tick(now_ns))

    def flush(self) -> list[str]:
        """What was held back."""
        return [] if self._text is None else list(self._text.flush())

    def _note(self, text: str, now_ns: int) -> str:
        return f"{(now_ns - (self._recording.first or 0)) / NS:9.3f}  * {text}"


class Observer:
    """Others' charging on one interface.

    Args:
        output: how it is written.
        own_mac: the own interface's address.
        random_bytes: gives so many random bytes.
        join: give every key that is heard to the own modem.
        own_tag: log datagrams with this tag are its own, and not shown.
    """

    def __init__(
        self,
        output: Output,
        own_mac: bytes,
        random_bytes: Callable[[int], bytes],
        *,
        join: bool = False,
        own_tag: str = "",
    ) -> None:
        self._output = output
        self._tag = f"{own_tag}: " if own_tag else ""
        self._join = join
        self._reader = LiveReader()
        self._sessions = LiveSessions()
        self._slac = Listener(own_mac, random_bytes, join=join)
        self._to_send: list[bytes] = []
        self.ended = 0
        """How many sessions have ended."""

    def started(self, text: str) -> list[str]:
        """The first line."""
        return self._output.heading(text)

    def frame(self, data: bytes, now_ns: int, *, own: bool = False) -> list[str]:
        """A frame was heard; what there is to write.

        Args:
            data: from the Ethernet header on.
            now_ns: nanoseconds since 1970.
            own: whether this host sent it.
        """
        lines: list[str] = []
        for event in self._reader.take(data, now_ns):
            if own and self._tag and event.layer is Layer.LOG and event.name.startswith(self._tag):
                continue
            lines += self._over(self._sessions.take(event))
            lines += self._output.event(event, self._sessions.number)
        return lines + self._heard(FrameReceived(data), now_ns)

    def tick(self, now_ns: int) -> list[str]:
        """Time has passed."""
        lines = self._heard(Tick(), now_ns) + self._output.tick(now_ns)
        return lines + self._over(self._sessions.tick(now_ns))

    def close(self, now_ns: int) -> list[str]:
        """Listening has ended."""
        return self._output.flush() + self._over(self._sessions.close())

    def deadline(self) -> int | None:
        """When :meth:`tick` has to be called (nanoseconds since 1970)."""
        slac = self._slac.deadline()
        times = (self._output.deadline(), self._sessions.deadline(), None if slac is None else slac * MS)
        return min((time for time in times if time is not None), default=None)

    def to_send(self) -> list[bytes]:
        """Frames for the own modem; they are given out once."""
        frames, self._to_send = self._to_send, []
        return frames

    def _over(self, sessions: Iterable[Session]) -> list[str]:
        lines: list[str] = []
        for session in sessions:
            self.ended += 1
            lines += self._output.ended(session)
        return lines

    def _heard(self, event: FrameReceived | Tick, now_ns: int) -> list[str]:
        lines: list[str] = []
        for effect in self._slac.handle(event, -(-now_ns // MS)):
            if isinstance(effect, Overheard):
                lines += self._output.matched(effect.run, now_ns)
            elif isinstance(effect, SendFrame):
                self._to_send.append(effect.data)
            elif isinstance(effect, ModemReady):
                taken = "has taken the key: what the network's members send to all is heard from now on"
                text = taken if effect.ready else "did not take the key"
                lines += self._output.note(f"the own modem {text}", now_ns)
        return lines
