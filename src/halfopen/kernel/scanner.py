# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Run an automaton over a block of bytes and note where it reaches a state that means something.

Four stretches of the block are read side by side, because one step must wait for the table and four need wait no longer.
"""

from __future__ import annotations

from array import array

from halfopen.kernel.line_layout import LANES, MARK_SHIFT


def finish(
    data: bytes | bytearray,
    at: int,
    end: int,
    state: int,
    table: array[int],
    symbols: bytes,
    threshold: int,
    marks: array[int],
    place: int,
) -> int:
    """Read on alone from ``at`` to ``end``; where the next mark would go."""
    while at < end:
        state = table[state + symbols[data[at]]]
        if state >= threshold:
            marks[place] = at << MARK_SHIFT | state
            place += 1
        at += 1
    return place


def sweep(
    data: bytes | bytearray,
    bounds: array[int],
    table: array[int],
    symbols: bytes,
    threshold: int,
    marks: array[int],
    ends: array[int],
) -> int:
    """Mark what the automaton finds in the lanes ``bounds[0]:bounds[1]``, ``bounds[1]:bounds[2]`` … of ``data``.

    ``table`` holds the next state by state and symbol, states as places in it; ``symbols`` is a byte's symbol; states
    from ``threshold`` on are marked. A lane begins in state 0. Marks of a lane stand in ``marks`` from its first
    position on, there are never more than bytes; where they end is put into ``ends``.
    """
    first = bounds[0]
    second = bounds[1]
    third = bounds[2]
    fourth = bounds[3]
    steps = min(second - first, third - second, fourth - third, bounds[4] - fourth)
    in_first = in_second = in_third = in_fourth = 0
    to_first = first
    to_second = second
    to_third = third
    to_fourth = fourth
    step = 0
    while step < steps:
        in_first = table[in_first + symbols[data[first + step]]]
        in_second = table[in_second + symbols[data[second + step]]]
        in_third = table[in_third + symbols[data[third + step]]]
        in_fourth = table[in_fourth + symbols[data[fourth + step]]]
        if in_first >= threshold:
            marks[to_first] = (first + step) << MARK_SHIFT | in_first
            to_first += 1
        if in_second >= threshold:
            marks[to_second] = (second + step) << MARK_SHIFT | in_second
            to_second += 1
        if in_third >= threshold:
            marks[to_third] = (third + step) << MARK_SHIFT | in_third
            to_third += 1
        if in_fourth >= threshold:
            marks[to_fourth] = (fourth + step) << MARK_SHIFT | in_fourth
            to_fourth += 1
        step += 1
    ends[0] = finish(data, first + steps, second, in_first, table, symbols, threshold, marks, to_first)
    ends[1] = finish(data, second + steps, third, in_second, table, symbols, threshold, marks, to_second)
    ends[2] = finish(data, third + steps, fourth, in_third, table, symbols, threshold, marks, to_third)
    ends[3] = finish(data, fourth + steps, bounds[4], in_fourth, table, symbols, threshold, marks, to_fourth)
    return LANES


def unusual(data: bytes | bytearray, at: int, end: int) -> int:
    """Whether something other than whole characters of UTF-8 stands there that are neither digits, blanks nor signs of
    direction, and that no case folding makes ASCII: only letters, signs and pictures that logs are full of pass."""
    while at < end:
        first = data[at]
        if first < 128:
            at += 1
            continue
        second = data[at + 1] if at + 1 < end else 0
        if not 128 <= second <= 191:
            return 1
        if 194 <= first <= 201 or 206 <= first <= 209:  # Latin up to U+027F, Greek, Cyrillic up to U+047F
            if first == 194 and second <= 160:
                return 1
            if (first == 196 and (second == 176 or second == 177)) or (first == 197 and second == 191):
                return 1
            at += 2
            continue
        third = data[at + 2] if at + 2 < end else 0
        if not 128 <= third <= 191:
            return 1
        if first == 226:
            if second == 128:  # dashes, quotes, dots
                if not 144 <= third <= 166:
                    return 1
            elif second == 130:  # currencies
                if third < 160:
                    return 1
            elif second == 132:  # signs like those of degrees
                if third != 131 and third != 162:
                    return 1
            elif not (134 <= second <= 143 or 148 <= second <= 159):  # arrows, operators, boxes, shapes
                return 1
            at += 3
            continue
        if 228 <= first <= 233:  # Chinese, Japanese
            if first == 228 and second < 184:
                return 1
            at += 3
            continue
        if first == 240 and second == 159 and at + 3 < end and 128 <= data[at + 3] <= 191:
            if third < 140 or third > 167:  # pictures U+1F300 to U+1F9FF
                return 1
            at += 4
            continue
        return 1
    return 0
