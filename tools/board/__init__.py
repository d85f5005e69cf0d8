"""The emulated board: building it (shell scripts), running it, and driving it from the host."""
