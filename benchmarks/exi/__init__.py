"""The drivers and messages of the benchmarks of v2gexi."""
