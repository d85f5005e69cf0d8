"""The command ``v2g``."""
