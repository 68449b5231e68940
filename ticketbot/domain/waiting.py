"""When seats that are kept for people in a queue are let go in numbers: who is served first.

To wait costs nothing, so somebody with a thousand keys can stand in front of everybody, let each
offer lapse, and keep every seat that comes free off sale for its time. Every event remembers what
became of its last offers. Where most of them came to nothing, who has paid here before is served
first, then who has shown work, then the others, each in turn. Nobody loses their place.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

REMEMBERED = 8
"""Offers whose end is known, newest first, to people who have never paid here.

Where one seat at a time comes free, that is most of a day: more would take days to tell.
"""
MOST_LAPSED = REMEMBERED // 2
"""Half. People sleep, and change their minds: where each of them lets three of ten offers go, this
is passed one time in seventeen, with one of four, one time in thirty-seven. Strangers who let all
of them go pass it with the fifth.
"""
FAVOURED = 4
"""Offers to others, after which whoever is first gets one. It ends the rule where people take what
is kept for them, and leaves strangers who do not a fifth of what comes free.
"""
MOST_WAITING = 10_000
"""Places of one event; twice as many with those who have paid or shown work, whom strangers
must not keep out. A longer queue is of no use to who is in it, and makes each look at it dear.
"""

ALL = 2**REMEMBERED - 1


class Standing(IntEnum):
    """What somebody had shown when they joined: the higher is served first in doubt."""

    NEWCOMER = 0
    WORKED = 1
    PAID = 2


class Turns(NamedTuple):
    """What the next offer of an event is decided by.

    `fates`: the last offers as bits, the newest lowest, 1 = nobody paid for what was kept.
    `passed`: offers since somebody was served in turn.
    """

    fates: int = 0
    passed: int = 0

    @property
    def doubtful(self) -> bool:
        """Whether the rule is on."""
        return self.fates.bit_count() > MOST_LAPSED

    @property
    def favours(self) -> bool:
        """Whether the next offer goes by what people have shown, and not by their turn alone."""
        return self.doubtful and self.passed < FAVOURED

    def after(self, standing: int) -> Turns:
        """When somebody of this standing was served."""
        jumped = self.favours and standing > Standing.NEWCOMER
        return self._replace(passed=self.passed + 1 if jumped else 0)

    def let_go(self) -> Turns:
        """One more offer came to nothing."""
        return self._replace(fates=(self.fates << 1 | 1) & ALL)

    def taken(self) -> Turns:
        """One more became an order; `left_unpaid` takes that back."""
        return self._replace(fates=(self.fates << 1) & ALL)

    def left_unpaid(self) -> Turns:
        """An order that came by the queue was not paid for: the newest that counted as taken."""
        return self._replace(fates=(self.fates | self.fates + 1) & ALL)


def has_room(waiting: int, standing: int) -> bool:
    """Whether one more may join an event's queue."""
    return waiting < MOST_WAITING * (1 if standing == Standing.NEWCOMER else 2)
