"""Recorded charging sessions: read as a timeline with phases and anomalies, drawn, and written."""
