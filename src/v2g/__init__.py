"""Vehicle-to-grid communication over the control pilot line, for both sides of the cable."""
