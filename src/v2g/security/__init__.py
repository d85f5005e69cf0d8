"""Certificates, signatures, encrypted contract keys, TLS: files in, objects out.

``cryptography`` and ``ssl`` are imported by these modules and by none else, so that a station without TLS and
Plug & Charge does not load them.
"""
