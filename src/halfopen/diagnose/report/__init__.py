"""Reports: the same findings as text for people and as JSON for programs."""
