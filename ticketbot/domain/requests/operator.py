"""What operators' programs ask."""

from __future__ import annotations

from collections.abc import Mapping

from ticketbot.domain.command import (
    ListOrphans,
    ListPending,
    ListRefunds,
    ListStuck,
    ResumeSales,
    RetryStuck,
    StopSales,
)
from ticketbot.domain.requests.fields import Asked

REQUESTS: Mapping[str, Asked] = {
    "pending": lambda f: ListPending(f.number("limit", 50, 200), f.maybe("after", 100)),
    "stuck": lambda f: ListStuck(),
    "retry": lambda f: RetryStuck(f.maybe("name", 100)),
    "refunds": lambda f: ListRefunds(),
    "orphans": lambda f: ListOrphans(),
    "sales": lambda f: ResumeSales() if f.decision("open") else StopSales(),
}
