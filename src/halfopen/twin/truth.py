"""What was done to the world and what happened in it: the truth beside a log and a capture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.world import World


class Truth:
    """Facts in the order in which they happened: ``at_ms``, ``who``, ``what``, and what belongs to it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.events: list[dict[str, Any]] = []
        #: Set to ``False`` where nobody reads it and speed matters.
        self.keeps = True

    def note(self, who: str, what: str, **facts: object) -> None:
        """One fact more; ``what`` is a past participle (``socket-opened``)."""
        if self.keeps:
            self.events.append({"at_ms": self._world.now / MS, "who": who, "what": what, **facts})

    def of(self, what: str, who: str = "") -> list[dict[str, Any]]:
        """The facts of one kind, of one entity when ``who`` is given."""
        return [event for event in self.events if event["what"] == what and (not who or event["who"] == who)]

    def as_dict(self, frames: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """``version``, ``seed``, ``events`` and, from a recorder, ``frames``: their numbers and why each was sent."""
        whole: dict[str, Any] = {"version": 1, "seed": self._world.seed, "events": self.events}
        if frames is not None:
            whole["frames"] = frames
        return whole

    def as_json(self, frames: list[dict[str, Any]] | None = None) -> str:
        """The same as text, one event a line."""
        whole = self.as_dict(frames)
        lines = []
        for key, value in whole.items():
            if isinstance(value, list):
                inner = ",\n  ".join(json.dumps(entry, sort_keys=False) for entry in value)
                lines.append(f' "{key}": [\n  {inner}\n ]' if value else f' "{key}": []')
            else:
                lines.append(f' "{key}": {json.dumps(value)}')
        return "{\n" + ",\n".join(lines) + "\n}\n"
