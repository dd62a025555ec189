"""The twin beside reality: situations that were recorded with the real lwIP are played again and compared.

``python -m halfopen.twin.fidelity tests/recordings/lwip tests/recordings/air docs/internals/fidelity.md`` writes the page.
What is put into the twin is what was done in the lab: which calls the firmware made and when, what its peer served, what
was done to the network. What comes out, segments, errors and times, is compared. The air has a package of its own.
"""
