"""What a command is by nature, which matters when it is heard a second time."""

from __future__ import annotations


class OnlyAsked:
    """It changes nothing, so answering it twice is of no use."""

    __slots__ = ()


class NeverAgain:
    """What it did once is not done again by a letter from before a restore."""

    __slots__ = ()
