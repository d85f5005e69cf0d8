"""Parts of the V2G benchmarks."""
