"""The subscribing side of one of our relays: what people and organizers send us."""

from __future__ import annotations

from collections.abc import Callable

from ticketbot.keys import Keys
from ticketbot.relay.errands import Errands
from ticketbot.relay.filters import Filter
from ticketbot.relay.funnel import Funnel
from ticketbot.relay.line import Line
from ticketbot.relay.link import Link
from ticketbot.relay.terms import Caught
from ticketbot.relay.visit import Visit
from ticketbot.relay.watch import Watch


class Listener:
    """Keeps one relay's subscription alive, and knows up to when everything has come.

    `name` is the relay's URL as it is configured: its name in `marks` and in `Caught`.
    """

    def __init__(
        self,
        name: str,
        line: Line,
        errands: Errands,
        keys: Keys,
        funnel: Funnel,
        filters: Callable[[int | None], list[Filter]],
        marks: dict[str, int],
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self.line = line
        self.errands = errands
        self.keys = keys
        self.funnel = funnel
        self.filters = filters
        self.clock = clock
        self.watch = Watch()
        self._marks = marks
        self._visit: Visit | None = None

    @property
    def mark(self) -> int | None:
        """The wall clock before the last question that was answered to its end."""
        return self._marks.get(self.name)

    @property
    def live(self) -> bool:
        """The relay has sent all it had stored, and the subscription stands."""
        return self._visit is not None and self._visit.live

    @property
    def hears(self) -> bool:
        """What people send to this relay reaches us, as far as can be known."""
        return self._visit is not None and self._visit.hears and self.watch.hearing != "deaf"

    async def run(self) -> None:
        """Listens for ever."""
        await self.line.keep(self._open)

    def refilter(self) -> None:
        """The filters have changed: ask anew."""
        if self._visit is not None:
            self._visit.ask_again()

    async def caught(self, at: int) -> None:
        """All that the relay had stored at `at` lies in the inbox: says so behind it."""
        self._marks[self.name] = at
        await self.funnel.caught(Caught(self.name, at))

    def _open(self, link: Link) -> Visit:
        self._visit = Visit(self, link)
        return self._visit

    def left(self) -> None:
        """The link is lost."""
        self._visit = None
