"""The picture of how the work grows with a capture: both axes logarithmic, one line a contender."""

from __future__ import annotations

import math

from halfopen.pages.sheet import shown

#: Packets, seconds of the processor (which others on the machine do not stretch), megabytes of each size.
Curve = list[tuple[int, float, float]]
WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 34, 46
COLOURS = ("#0b6e4f", "#b4531a", "#4a5a8a", "#777")


def picture(curves: dict[str, Curve]) -> str:
    """An SVG that stands alone."""
    points = [point for curve in curves.values() for point in curve]
    across = _decades([packets for packets, _, _ in points])
    up = _decades([seconds for _, seconds, _ in points])

    def x(packets: float) -> float:
        return LEFT + (math.log10(packets) - across[0]) / (across[1] - across[0]) * (WIDTH - LEFT - RIGHT)

    def y(seconds: float) -> float:
        return HEIGHT - BOTTOM - (math.log10(seconds) - up[0]) / (up[1] - up[0]) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-weight="bold">Seconds of the processor from start to result, by packets in the capture</text>',
    ]
    for power in range(across[0], across[1] + 1):
        at = x(10**power)
        parts.append(f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{10**power:,}</text>'
        )
    for power in range(up[0], up[1] + 1):
        at = y(10**power)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>')
    taken: list[float] = []  # heights of labels
    for colour, (name, curve) in zip(COLOURS, curves.items(), strict=False):
        line = " ".join(f"{x(packets):.1f},{y(seconds):.1f}" for packets, seconds, _ in curve)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for packets, seconds, _ in curve:
            parts.append(f'<circle cx="{x(packets):.1f}" cy="{y(seconds):.1f}" r="3" fill="{colour}"/>')
        packets, seconds, _ = curve[-1]
        label = f"{name}, {max(megabytes for _, _, megabytes in curve):.0f} MiB"
        at = y(seconds) + 4
        while any(abs(at - other) < 14 for other in taken):
            at += 2
        taken.append(at)
        parts.append(f'<text x="{x(packets) + 8:.1f}" y="{at:.1f}" fill="{colour}">{shown(label)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _decades(values: list[float] | list[int]) -> tuple[int, int]:
    """The powers of ten that enclose positive values."""
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
