"""Schemas of somebody else, from the XSD to the bytes: tables, engine and classes made of them, as EXIficient does."""
