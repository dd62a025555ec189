"""Pages that people open: the drawing of a timeline, and sheets that need nothing but themselves.

What is drawn comes in as a :class:`~halfopen.pages.picture.Picture`, which knows time, lanes and quotes but nothing of
faults or sources; so the report, the live page and the proof share one drawing.
"""
