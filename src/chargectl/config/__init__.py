"""Configuration files: JSON with comments, read with positions, checked, edited in place, kept safe."""
