"""The shapes that marks are drawn with: by the script on the canvas, and by the template in the legend.

Every kind of mark differs in shape and not in colour alone. A shape is an SVG path in a box from -5 to 5; open ones are
stroked, the others filled.
"""

from __future__ import annotations

from typing import Literal

Shape = Literal[
    "dot",
    "ring",
    "cross",
    "down",
    "up",
    "diamond",
    "square",
    "tick",
    "star",
    "right",
    "left",
    "bar",
    "hatch",
    "dash",
]

#: Shape → (path, whether it is filled).
PATHS: dict[str, tuple[str, bool]] = {
    "dot": ("M-3 0A3 3 0 1 0 3 0A3 3 0 1 0 -3 0Z", True),
    "ring": ("M-3.2 0A3.2 3.2 0 1 0 3.2 0A3.2 3.2 0 1 0 -3.2 0Z", False),
    "cross": ("M-3.4 -3.4L3.4 3.4M-3.4 3.4L3.4 -3.4", False),
    "down": ("M-4.2 -3.4L4.2 -3.4L0 4Z", True),
    "up": ("M-4.2 3.4L4.2 3.4L0 -4Z", True),
    "diamond": ("M0 -4.6L4.2 0L0 4.6L-4.2 0Z", True),
    "square": ("M-3.2 -3.2H3.2V3.2H-3.2Z", True),
    "tick": ("M0 -4.6V4.6", False),
    "star": ("M0 -4.6V4.6M-4 -2.3L4 2.3M-4 2.3L4 -2.3", False),
    "right": ("M-3.2 -4.2V4.2L4.2 0Z", True),
    "left": ("M3.2 -4.2V4.2L-4.2 0Z", True),
    # how a stretch of time looks in the legend
    "bar": ("M-5 -3H5V3H-5Z", True),
    "hatch": ("M-5 3L1 -3M-1 3L5 -3M-5 -3H5M-5 3H5", False),
    "dash": ("M-5 0H-2M-1 0H2M3 0H5", False),
}
