"""TCP conversations: from rows of the kernel's frame table to ``FlowObserved``."""

from __future__ import annotations

from array import array

from halfopen.diagnose.sources.frame_text import unreachable_line
from halfopen.diagnose.sources.rendering import Rendering
from halfopen.diagnose.traffic import FrameRef
from halfopen.kernel import layout as k
from halfopen.kernel.conversation import Story, narrate
from halfopen.kernel.flow_table import SLOTS_MAX, FlowTable
from halfopen.kernel.frames import Frames
from halfopen.kernel.quoting import Quota

#: Share of the conversations that is forgotten when the table is full, so that it is not full again at once.
FORGOTTEN_SHARE = 8
#: Frames quoted of all conversations together, about 400 bytes each.
QUOTED_MAX = 100_000
NS = 1_000_000_000


class Conversations:
    """Every TCP conversation of one capture, fed with rows of the frame table."""

    def __init__(self, source: str, slots_max: int = SLOTS_MAX, quoted_max: int = QUOTED_MAX) -> None:
        self.source = source
        self.table = FlowTable(slots_max)
        self._quota = Quota(quoted_max)
        self._story = Story(self._quota)

    def analyse(
        self,
        frames: Frames,
        data: bytearray,
        rows: array[int],
        count: int,
        frame: int,
        notable: array[int],
    ) -> None:
        """Follow the first ``count`` rows of ``frames``, which holds ``data`` and ``rows``; ``frame`` numbers the first,
        ``notable`` has room for as many."""
        at = 0
        while at < count:
            at, notes = self.table.analyse(frames, at, count, frame, notable)
            told = narrate(self._story, self.table.state, rows, notable, notes, frame)
            while told < notes:
                row = notable[told]
                self._see_unreachable(data, rows, row * k.WIDTH, frame + row)
                told += 1
                told += narrate(self._story, self.table.state, rows, notable[told:], notes - told, frame)
            if at < count and self.table.full:
                self.table.forget(self._story, max(1, self.table.slots // FORGOTTEN_SHARE))

    def _see_unreachable(self, data: bytearray, rows: array[int], base: int, frame: int) -> None:
        ref = FrameRef(frame, rows[base + k.TIME] / NS, unreachable_line(data, rows, base))
        self._story.add_unreachable(self.table.state, rows[base + k.SLOT], ref)

    def losses(self) -> list[str]:
        """What was forgotten, one line each."""
        lines = []
        if self._story.forgotten:
            lines.append(
                f"{self._story.forgotten} conversations beyond {self.table.slots_max} were forgotten, "
                f"{self._story.forgotten_boring} of them cleanly ended"
            )
        if self._quota.refused:
            lines.append(f"{self._quota.refused} frames worth quoting were only counted: there were too many")
        return lines

    def rendered(self) -> list[Rendering]:
        """The conversations in the order of their first frames."""
        state, troubles = self.table.state, self._story.troubles
        begun = {
            state[slot * k.FLOW_WIDTH + k.F_ORDINAL]: slot
            for slot in range(self.table.slots)
            if state[slot * k.FLOW_WIDTH + k.F_FRAMES]
        }
        return [Rendering(self.source, state, begun[at], troubles.get(begun[at])) for at in sorted(begun)]
