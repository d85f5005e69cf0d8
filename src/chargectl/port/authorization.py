"""Who may charge: the four authentication modes (guide Table 48, ``user_authentication``)."""

from __future__ import annotations

from chargectl.port.settings import AuthenticationMode


class AuthorizationState:
    """Whether charging is allowed now.

    A message on the authorization topic that was not retained belongs to one session and ends with it; a
    retained one stays until it is taken back (guide Table 83).
    """

    __slots__ = ("_allowed", "_mode", "_session", "refusals")

    def __init__(self, mode: AuthenticationMode) -> None:
        self._mode = mode
        self._allowed = mode is AuthenticationMode.FREE
        self._session = False
        self.refusals = 0
        """How often a user who asked was told no (counted for the LED)."""

    @property
    def allowed(self) -> bool:
        """True while a user may charge."""
        return self._allowed

    def message(self, allowed: bool, session: bool) -> None:
        """Take a message of the authorization topic; it counts in the modes "mqtt" and "ocpp" only."""
        if self._mode in (AuthenticationMode.MQTT, AuthenticationMode.OCPP):
            if not allowed:
                self.refusals += 1
            self._allowed = allowed
            self._session = session

    def key(self, on: bool) -> None:
        """Take the key switch; it counts in the mode "key-switch" only."""
        if self._mode is AuthenticationMode.KEY_SWITCH:
            self._allowed = on

    def unplugged(self) -> None:
        """End a session's authorization."""
        if self._session:
            self._allowed = False
            self._session = False
