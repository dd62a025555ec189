"""The access point's password is another from now on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class PasswordChanged(Impairment):
    """The access point's password is another from now on."""

    KIND: ClassVar[str] = "password-changed"

    password: str = "changed-it-42"  # noqa: S105 - an example

    def check(self) -> None:
        """See the base."""
        if not 8 <= len(self.password) <= 63:
            raise ValueError(f"password is {self.password!r}: 8 to 63 characters expected")
