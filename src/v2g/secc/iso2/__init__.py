"""ISO 15118-2:2014 at the charging station: a state table, and one file for each message."""
