"""What the bot counts about itself, for Prometheus. No label ever names a person.

from ticketbot.metrics import metrics
metrics().tickets_issued.inc()
"""

from __future__ import annotations

import math
from functools import cache

from ticketbot import __version__

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)


class Metrics:
    """Every instrument by name, in a registry of their own.

    Labels take few, fixed values: `protocol` is nip17, nip04 or 24133, `command` a key of
    the commands or `unknown`, `relay` a configured relay.
    """

    def __init__(self) -> None:
        # here and not above: it takes 65 ms that only `run` has to pay
        from prometheus_client import (
            CollectorRegistry,
            Counter,
            Gauge,
            Histogram,
            Info,
            ProcessCollector,
        )

        class Tally(Counter):
            """A counter that finds its labels again at once."""

            labels = cache(Counter.labels)

        here = CollectorRegistry()
        self.registry = here
        self.dm_received = Tally(
            "ticketbot_dm_received", "Messages opened", ["protocol", "command"], registry=here
        )
        self.dm_sent = Tally(
            "ticketbot_dm_sent", "Messages published", ["protocol", "result"], registry=here
        )
        self.invoices = Tally(
            "ticketbot_invoices", "Invoices by what became of them", ["state"], registry=here
        )
        self.tickets_issued = Counter(
            "ticketbot_tickets_issued", "Tickets signed for their holders", registry=here
        )
        self.checkins = Tally(
            "ticketbot_checkins", "Tickets shown at the door", ["result"], registry=here
        )
        self.paid_to_ticket = Histogram(
            "ticketbot_paid_to_ticket_seconds",
            "From the settlement to the first relay that accepted the ticket",
            buckets=SECONDS,
            registry=here,
        )
        self.relay_connected = Gauge(
            "ticketbot_relay_connected", "1 while a relay is connected", ["relay"], registry=here
        )
        self.outbox_pending = Gauge(
            "ticketbot_outbox_pending", "Effects that still wait to leave", registry=here
        )
        self.refunds_owed_sats = Gauge(
            "ticketbot_refunds_owed_sats",
            "Satoshis decided to go back, not yet sent",
            registry=here,
        )
        self.payouts_sats = Gauge(
            "ticketbot_payouts_sats",
            "Satoshis set aside for organizers, not yet sent",
            ["state"],
            registry=here,
        )
        self.spends = Tally(
            "ticketbot_spends",
            "Refunds and payouts by what became of them at the wallet",
            ["purpose", "result"],
            registry=here,
        )
        self.alarm = Gauge(
            "ticketbot_alarm", "1 while this trouble lasts", ["alarm"], registry=here
        )
        self.audit_differences = Gauge(
            "ticketbot_audit_differences",
            "Differences that the last audit found; NaN before the first",
            registry=here,
        )
        self.audit_differences.set(math.nan)
        Info("ticketbot_build", "The program", registry=here).info({"version": __version__})
        ProcessCollector(registry=here)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)


@cache
def metrics() -> Metrics:
    """The one set of this process; a process is what Prometheus scrapes."""
    from prometheus_client import disable_created_metrics

    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter that nobody reads
    return Metrics()
