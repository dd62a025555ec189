"""Two clocks of one connection: is anything heard, and does what is queued make progress?

Receive-liveness: after ``silence_ms`` without a byte a heartbeat is queued, and from that queueing on (not from its
sending: a full buffer must not postpone it) ``answer_ms`` may pass. Send-progress: while something is queued, the
socket must accept a byte every ``progress_ms``, and all that one write queued within ``write_ms``. The second clock
sees what keepalive cannot: a peer that lives with its window at zero.
"""

from halfopen.link import machine
from halfopen.link.policy import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from halfopen.link.policy import Policy


class Vitals:
    """The clocks of one connection; ``expects_answers`` says whether silence can mean anything."""

    def __init__(self, policy: "Policy", expects_answers: bool, now: int) -> None:
        self._policy = policy
        self._expects_answers = expects_answers
        self._born = now
        #: When the peer was last heard; at first, when the connection began.
        self.heard_at = now
        self._progressed = now
        self._doubted: int | None = None
        self._deaf = False
        self._queued = 0
        self._accepted = 0
        #: (end of a write in the stream of queued bytes, when it was queued), oldest first.
        self._writes: list[tuple[int, int]] = []
        self._answer_due = NEVER

    def pending_bytes(self) -> int:
        """Bytes queued that the socket has not accepted."""
        return self._queued - self._accepted

    def heard_byte(self, now: int) -> None:
        """A byte came from the peer."""
        self.heard_at = now
        self._doubted = None

    def deafened(self, deaf: bool, now: int) -> None:
        """The reader stopped because nobody takes what it read (or goes on): then silence proves nothing."""
        if self._deaf and not deaf:
            self.heard_at = now
        self._deaf = deaf

    def doubted(self, now: int) -> None:
        """A heartbeat was queued."""
        self._doubted = now

    def bytes_queued(self, size: int, now: int) -> None:
        """``size`` bytes wait for the socket."""
        if size:
            if not self._writes:
                self._progressed = now
            self._queued += size
            self._writes.append((self._queued, now))

    def bytes_accepted(self, size: int, now: int) -> None:
        """The socket took ``size`` bytes of the queue, which are not more than were queued."""
        assert size <= self.pending_bytes(), f"{size} bytes accepted, {self.pending_bytes()} queued"
        self._accepted += size
        self._progressed = now
        while self._writes and self._writes[0][0] <= self._accepted:
            self._writes.pop(0)

    def expects_answer_by(self, due: float) -> None:
        """The application waits for an answer until ``due``; ``NEVER`` when it no longer does."""
        self._answer_due = due

    def next_clock(self) -> "tuple[float, str]":
        """The clock that runs out first: when, and the event that says so."""
        policy = self._policy
        clocks = [
            (self._born + policy.age_ms, machine.AGE_REACHED),
            (self._answer_due, machine.ANSWER_EXPIRED),
        ]
        if self._writes:
            clocks.append((self._progressed + policy.progress_ms, machine.SEND_STALLED))
            clocks.append((self._writes[0][1] + policy.write_ms, machine.SEND_EXPIRED))
        if self._expects_answers and not self._deaf:
            if self._doubted is None:
                clocks.append((self.heard_at + policy.silence_ms, machine.SILENCE_NOTICED))
            else:
                clocks.append((self._doubted + policy.answer_ms, machine.SILENCE_EXPIRED))
        return min(clocks)

    def quiet(self, event: str, now: int) -> int:
        """Milliseconds without a byte heard, or without one taken where ``event`` says that a send deadline ran out."""
        return now - (
            self._progressed if event in (machine.SEND_STALLED, machine.SEND_EXPIRED) else self.heard_at
        )
