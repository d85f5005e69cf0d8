"""Timers, performance times and counters of matching, under the names that the standard gives them.

``TT_``: timeouts; ``TP_``: performance times, by which a station has acted; ``C_``: counts; ``T_``: times
of the pilot. All in milliseconds but the counts and the two thresholds, which are in dB. Of a range that
the standard allows the value is the one that the cores use; the range stands beside it.
"""

from __future__ import annotations

# ISO 15118-3:2015 Table 3.
C_CONN_MAX_MATCH = 3
"""Matching processes that a car runs one after the other before it gives up."""
C_SEQU_RETRY = 2
"""How often a charger that heard nothing passes the pilot through state E or F to have the car try
again."""
C_EVSE_MATCH_PARALLEL = 5
"""Matching processes that a charger runs at once: cars at neighbouring chargers are heard, too."""
C_EV_VALD_NB_TOGGLES = 3
"""BCB toggles of a validation (1 to 3)."""
T_CONN_INIT_HLC_MS = 200
"""How long state B has lasted after F, D or C before matching begins."""
T_CONN_MAX_COMM_MS = 8_000
"""From plug-in until the modem is ready."""
T_CONN_RESETUP_MS = 15_000
"""From the loss of communication until matching is set up again."""
T_CONN_RESUME_MS = 6_000
"""From the wake-up until the modem is ready."""
T_STEP_EF_MS = 4_000
"""How long the pilot stays in state E or F."""
T_VALD_DETECT_TIME_MS = 200
"""By when a charger has seen a change of the pilot."""
TP_EV_VALD_STATE_DURATION_MS = 300
"""How long a car stays in each state of a BCB toggle (200 to 400)."""
TP_EV_VALD_TOGGLE_MS = 2_000
"""How long a car's sequence of BCB toggles takes (600 to 3,500)."""
TT_EVSE_VALD_TOGGLE_MS = 3_500
"""How long a charger looks for BCB toggles at most."""
TP_MATCH_LEAVE_MS = 1_000
"""By when a station has left the logical network."""

# ISO 15118-3:2015 Table A.1.
C_EV_MATCH_MNBC = 10
"""Sounds."""
C_EV_MATCH_RETRY = 2
"""How often a message is sent again that was not answered."""
C_EV_START_ATTEN_CHAR_INDS = 3
"""CM_START_ATTEN_CHAR.IND that a car sends."""
C_EV_MATCH_SIGNALATTN_DIRECT_DB = 10
"""Up to this average attenuation a charger is found (EVSE_FOUND)."""
C_EV_MATCH_SIGNALATTN_INDIRECT_DB = 20
"""Up to this one it may be the one (EVSE_POTENTIALLY_FOUND), and validation tells; above, it is not."""
TP_AMP_MAP_EXCHANGE_MS = 100
"""By when a station has answered CM_AMP_MAP.REQ."""
TP_EV_BATCH_MSG_INTERVAL_MS = 30
"""Between a car's start indications and sounds (20 to 50). Thirteen frames end well within
TT_EVSE_match_MNBC."""
TP_EV_MATCH_SESSION_MS = 500
"""From CM_ATTEN_CHAR.RSP on: by when a car has begun validation or asked to match."""
TP_EV_SLAC_INIT_MS = 10_000
"""From plug-in or wake-up on: by when a car has sent CM_SLAC_PARM.REQ."""
TP_EVSE_AVG_ATTEN_CALC_MS = 100
"""By when a charger has the average of the sounds."""
TP_MATCH_RESPONSE_MS = 100
"""By when a station has answered a request."""
TP_MATCH_SEQUENCE_MS = 100
"""By when a station that got a response has sent its next request."""
TT_AMP_MAP_EXCHANGE_MS = 200
"""How long a station waits for CM_AMP_MAP.CNF."""
TT_EV_ATTEN_RESULTS_MS = 1_200
"""From a car's first CM_START_ATTEN_CHAR.IND on: how long it waits for CM_ATTEN_CHAR.IND."""
TT_EVSE_MATCH_MNBC_MS = 600
"""From the first CM_START_ATTEN_CHAR.IND on: how long a charger waits for sounds. In CM_SLAC_PARM.CNF in
steps of 100 ms."""
TT_EVSE_MATCH_SESSION_MS = 10_000
"""How long a charger waits for CM_VALIDATE.REQ or CM_SLAC_MATCH.REQ."""
TT_EVSE_SLAC_INIT_MS = 50_000
"""From state B on: how long a charger waits for CM_SLAC_PARM.REQ (20,000 to 50,000)."""
TT_MATCH_JOIN_MS = 12_000
"""From CM_SLAC_MATCH.CNF on: how long the link may take to come up."""
TT_MATCH_RESPONSE_MS = 200
"""How long a station waits for a response."""
TT_MATCH_SEQUENCE_MS = 400
"""How long a station waits for the next request."""
TT_MATCHING_RATE_MS = 400
"""Pause between a car's failed matching process and its next one."""
TT_MATCHING_REPETITION_MS = 10_000
"""From a car's first failure on: no further matching process starts after it."""

# Not in the standard: between a host and its own modem.
SET_KEY_TIMEOUT_MS = 1_000
"""How long a modem may take for CM_SET_KEY.CNF. A QCA7000 takes about a millisecond; what counts is a lost
frame."""
SET_KEY_PAUSE_MS = 200
"""Before a key that a modem rejected is sent again."""
SET_KEY_ATTEMPTS = 3
SET_KEY_LATER_MS = 10_000
"""Before a charger tries again with a modem that took no key: it may be starting."""
LINK_POLL_JOINING_MS = 100
"""Between questions for the link's state while it comes up."""
LINK_POLL_MATCHED_MS = 1_000
"""Between questions for the link's state while it is up."""
LINK_LOSSES = 3
"""A link is lost when so many answers in a row say so: one alone may be a beacon missed."""
PROFILE_GRACE_MS = 50
"""After a car's last sound a modem's last CM_ATTEN_PROFILE.IND may still be on its way. Ends within
TP_EVSE_avg_atten_calc."""
