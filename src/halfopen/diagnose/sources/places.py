"""How a wording is written: text in lower case, with marks for what may not stand beside it and for any digit."""

from __future__ import annotations

#: No letter, digit or ``_`` beside it; the message begins or ends here; any digit.
EDGE, BEGINS, ENDS, DIGIT = "\x01", "\x02", "\x03", "\x04"
#: The marks that stand only at the ends of a wording.
PLACES = EDGE + BEGINS + ENDS

#: Before a wording in a file: a line with it changes how other lines are read.
WHOLE = "!"
#: Behind a wording and a tab in a file stand those who find something where it stands: phrases by number, and readers of
#: failed calls, of the radio and of memory.
CALLS, RADIO, MEMORY = "c", "r", "m"
READERS = frozenset((CALLS, RADIO, MEMORY))

#: Before the last line of a file: the phrases, by number, that tell digits apart; all others say the same of any.
DIGITS_TOLD = "="

_SPELLINGS = (("\\", "\\\\"), (EDGE, "\\b"), (BEGINS, "\\A"), (ENDS, "\\Z"), (DIGIT, "\\d"))


def spelled(wording: str) -> str:
    """A wording as a file holds it, in ASCII."""
    for mark, text in _SPELLINGS:
        wording = wording.replace(mark, text)
    return wording


def unspelled(text: str) -> str:
    """A wording from a file."""
    if "\\" not in text:
        return text
    for mark, spelling in _SPELLINGS[1:]:
        text = text.replace(spelling, mark)
    return text.replace("\\\\", "\\")
