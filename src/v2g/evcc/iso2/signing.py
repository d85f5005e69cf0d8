"""What signed requests have in common."""

from __future__ import annotations

from typing import Final

ID: Final = "id1"
"""``Id`` of the signed element; there is one in each message."""
