"""What an audit says of one invariant."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One invariant: kept, or broken by the rows that `broken` describes.

    Each description begins with what it is about, up to the first `: `.
    """

    name: str
    says: str
    broken: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether nothing breaks it."""
        return not self.broken
