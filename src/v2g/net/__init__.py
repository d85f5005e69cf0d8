"""Shells: the cores of this distribution on real interfaces, with asyncio."""
