"""DIN SPEC 70121:2014 (DC) at the charging station: a state table, and one file for each message."""
