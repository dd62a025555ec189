"""TCP conversations: from rows of the kernel's frame table to ``FlowObserved``."""

from __future__ import annotations

from array import array

from halfopen.diagnose.sources.bounded import Quota
from halfopen.diagnose.sources.conversation import Conversation, Quoted
from halfopen.diagnose.sources.frame_text import unreachable_line
from halfopen.diagnose.sources.rendering import Rendering
from halfopen.diagnose.traffic import FrameRef
from halfopen.kernel import layout as k
from halfopen.kernel.flow_table import SLOTS_MAX, FlowTable
from halfopen.kernel.frames import Frames

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
        self._forgotten = 0
        self._forgotten_boring = 0
        self._quota = Quota(quoted_max)
        self._open: dict[int, Conversation] = {}
        self._made = 0

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
            for row in notable[:notes]:
                if rows[row * k.WIDTH + k.KIND] == k.TCP:
                    self._see(rows, row * k.WIDTH, frame + row)
                else:
                    self._see_unreachable(data, rows, row * k.WIDTH, frame + row)
            if at < count and self.table.full:
                self._forget_some()

    def _see(self, rows: array[int], base: int, frame: int) -> None:
        slot = rows[base + k.SLOT]
        bits = rows[base + k.BITS]
        if bits & k.B_NEW:
            replaced = self._open.get(self.table.state[slot * k.FLOW_WIDTH + k.F_PREVIOUS])
            self._made += 1
            self._open[slot] = Conversation(
                slot, self._made, replaced.ordinal if replaced else None, self._quota
            )
        shape = rows[base + k.FLAGS] | rows[base + k.WINDOW] << 8 | rows[base + k.PAYLOAD] << 24
        side = rows[base + k.SIDE]
        quoted = Quoted(frame, rows[base + k.TIME], rows[base + k.SEQ], rows[base + k.ACK], shape, bits, side)
        original = None
        if bits & k.B_RESENT and rows[base + k.O_FRAME] > 0:
            original = Quoted(*rows[base + k.O_FRAME : base + k.O_FRAME + k.R_WIDTH])
        self._open[slot].see(quoted, rows[base + k.GAP], original)

    def _see_unreachable(self, data: bytearray, rows: array[int], base: int, frame: int) -> None:
        ref = FrameRef(frame, rows[base + k.TIME] / NS, unreachable_line(data, rows, base))
        self._open[rows[base + k.SLOT]].unreachable.add(ref)

    def _forget_some(self) -> None:
        """Give up the least telling: cleanly ended conversations first, then whatever was silent longest."""
        last = k.F_LAST + k.R_FRAME

        def worth(slot: int) -> tuple[bool, int]:
            return not self._open[slot].boring, self.table.state[slot * k.FLOW_WIDTH + last]

        for slot in sorted(self._open, key=worth)[: max(1, len(self._open) // FORGOTTEN_SHARE)]:
            self._forgotten += 1
            self._forgotten_boring += self._open[slot].boring
            self.table.forget(slot)
            self._open.pop(slot).release()

    def losses(self) -> list[str]:
        """What was forgotten, one line each."""
        lines = []
        if self._forgotten:
            lines.append(
                f"{self._forgotten} conversations beyond {self.table.slots_max} were forgotten, "
                f"{self._forgotten_boring} of them cleanly ended"
            )
        if self._quota.refused:
            lines.append(f"{self._quota.refused} frames worth quoting were only counted: there were too many")
        return lines

    def rendered(self) -> list[Rendering]:
        """The conversations in the order of their first frames."""
        return [Rendering(self.source, self.table.state, told) for told in self._open.values()]
