"""ISO 15118-20:2022 (AC, DC, MCS) at the charging station: state tables, and one file for each message."""
