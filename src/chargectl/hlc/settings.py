"""The configuration keys of high-level charging, as typed values."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chargectl.config.configuration import Configuration


@dataclass(frozen=True, slots=True)
class HlcSettings:
    """What the daemon is told at its start.

    Attributes:
        enabled: ``charging_type`` is "highlevel".
        protocols: namespaces of the messages, as the handshake names them.
        tls: "prohibit", "allow" or "force".
        authentication: ``user_authentication``.
        evse_id: the EVSEID.
    """

    enabled: bool = True
    protocols: tuple[str, ...] = ("urn:iso:15118:2:2013:MsgDef",)
    tls: str = "prohibit"
    authentication: str = "free"
    evse_id: str = "DE*INT* ECH 1234567890"

    @property
    def customer_decides(self) -> bool:
        """Whether the customer's software finishes the authentication phase by topic."""
        return self.authentication == "mqtt"

    def with_tls(self, tls: str) -> HlcSettings:
        """The same with another answer about TLS: there may be no certificate for the wanted one."""
        return replace(self, tls=tls)

    @classmethod
    def read(cls, customer: Configuration) -> HlcSettings:
        """Read the keys of customer.json. ``highlevel_authentication_mode`` knows one value, "eim"."""
        string = customer.string
        return cls(
            enabled=string("ports[0]/charging_type") == "highlevel",
            # The key names the standard; the handshake names the schema of its messages.
            protocols=(string("ports[0]/hlc_protocols") + ":MsgDef",),
            tls=string("ports[0]/tls_security"),
            authentication=string("ports[0]/user_authentication"),
            evse_id=string("ports[0]/evse_id"),
        )
