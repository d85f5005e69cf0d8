"""Who may charge: the four authentication modes (guide Table 48, ``user_authentication``)."""

from __future__ import annotations

from chargectl.port.settings import AuthenticationMode


class AuthorizationState:
    """Whether charging is allowed now.

    A message on the authorization topic that was not retained belongs to one session and ends with it; a
    retained one stays until it is taken back (guide Table 83).
    """

    __slots__ = ("_allowed", "_mode", "_session", "_session_result", "refusals")

    def __init__(self, mode: AuthenticationMode) -> None:
        self._mode = mode
        self._allowed = mode is AuthenticationMode.FREE
        self._session = False
        self._session_result = False
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

    def session_result(self, allowed: bool, connected: bool) -> None:
        """Take what the customer told a V2G session; it counts in the mode "mqtt" only, until the end of the
        session.

        Only the step to ``allowed`` counts, with the EV there that it is for: what still stands when another
        EV comes, or after a withdrawal on the authorization topic, allows nothing.
        """
        step = allowed and not self._session_result
        if self._mode is AuthenticationMode.MQTT and step and connected:
            self._session = self._session or not self._allowed
            self._allowed = True
        self._session_result = allowed

    def key(self, on: bool) -> None:
        """Take the key switch; it counts in the mode "key-switch" only."""
        if self._mode is AuthenticationMode.KEY_SWITCH:
            self._allowed = on

    def unplugged(self) -> None:
        """End a session's authorization."""
        if self._session:
            self._allowed = False
            self._session = False
