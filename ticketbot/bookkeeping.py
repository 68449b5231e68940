"""The ledger against the wallet: asked for by an operator, and once a day by the bot itself.

The wallet is asked first. What it has received or paid and the running bot has not written
down yet is waited for; what the ledger writes after the wallet was asked is not judged.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from typing import Any, NamedTuple

import structlog

from ticketbot.domain.when import DAY
from ticketbot.engine import Engine
from ticketbot.errors import Broken, Retry
from ticketbot.ledger import accounts, audit, verdicts
from ticketbot.ledger.accounts import Flows, Sums
from ticketbot.ledger.audit import Finding, Received, Sent
from ticketbot.ledger.store import Store, Tx
from ticketbot.ledger.verdicts import NOTHING, Verdict
from ticketbot.lightning import Wallet
from ticketbot.metrics import metrics

FIRST = 60.0  # seconds after the start
TICK = 10.0
AGAIN = 3_600  # seconds after a wallet did not answer
OVERLAP = 2 * DAY  # the wallet's stamps are not the ledger's: so much is looked at twice
ROUNDS, PAUSE = 30, 2.0
MOST_KEPT = 100

Read = Callable[[Callable[[Tx], Any]], Awaitable[Any]]


class Shown(NamedTuple):
    """What the wallet answered. `began`: our clock before it was asked; amounts in msat."""

    began: int
    received: list[Received]
    sent: list[Sent]
    balance: int


class Books(NamedTuple):
    """Both sides, for people. What is of the wallet is None when it was not asked."""

    sums: Sums
    findings: list[Finding]
    shown: Shown | None = None
    flows: Flows | None = None
    owed: int = 0  # to buyers, and to organizers who do not operate the bot

    @property
    def agree(self) -> bool:
        """Whether nothing differs and every invariant holds."""
        return all(finding.kept for finding in self.findings)


async def ask(wallet: Wallet, now: int, since: int = 0) -> Shown:
    """What the wallet lists from `since` on, and holds. Retry or Broken when it does not say."""
    came = await wallet.settled_since(since)
    went = await wallet.spent_since(since)
    return Shown(
        now,
        [Received(one.payment_hash, one.amount_msat, one.external_id) for one in came],
        [Sent(one.payment_hash, one.amount_msat, one.fee_msat) for one in went],
        await wallet.balance(),
    )


async def catch_up(read: Read, shown: Shown, rounds: int, pause: float) -> None:
    """Wait, for a while, until the ledger has what the wallet showed: a bot is writing it."""
    received, sent = shown.received, shown.sent
    for _ in range(rounds):
        received, sent = await read(partial(audit.behind, received=received, sent=sent))
        if not received and not sent:
            return
        await asyncio.sleep(pause)


def judge(tx: Tx, shown: Shown | None, operators: Collection[str], since: int = 0) -> list[Finding]:
    """Every invariant, in one snapshot; the wallet's lists from `since` on, if it was asked."""
    findings = audit.check_ledger(tx)
    if shown is not None:
        findings += audit.check_wallet(
            tx,
            shown.received,
            shown.balance,
            shown.sent,
            since=since,
            began=shown.began,
            operators=operators,
        )
    return sorted(findings)


def compare(tx: Tx, shown: Shown | None, operators: Collection[str]) -> Books:
    """Every invariant, and the figures behind them."""
    findings = judge(tx, shown, operators)
    if shown is None:
        return Books(accounts.sums(tx), findings)
    return Books(
        accounts.sums(tx),
        findings,
        shown,
        accounts.flows(tx, shown.received, shown.sent),
        sum(audit.owed_at(tx, shown.began, operators)),
    )


class Auditor:
    """Compares the books soon after the start and then every day, and tells what is new."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        wallet: Wallet,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._engine = engine
        self._wallet = wallet
        self._clock = clock
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """For ever."""
        await asyncio.sleep(FIRST)
        while True:
            try:
                verdict = await self.audit()
                wait = DAY if verdict.silent is None else AGAIN
            except (Retry, Broken) as error:
                self._log.warning("audit.put_off", error=str(error))
                wait = AGAIN
            began = self._clock()
            while 0 <= self._clock() - began < wait:  # a clock that jumps back means: look again
                await asyncio.sleep(TICK)

    async def audit(self) -> Verdict:
        """One look, kept in the ledger. Retry when that cannot be written."""
        before = await self._store.transaction(verdicts.last) or NOTHING
        now = int(self._clock())
        since = before.agreed_at or 0
        shown, silent = None, None
        try:
            shown = await ask(self._wallet, now, max(0, since - OVERLAP))
            await catch_up(self._store.read, shown, ROUNDS, PAUSE)
        except (Retry, Broken) as error:
            silent = str(error)
            self._log.warning("audit.put_off", error=silent)
        operators = self._engine.settings.operators
        findings = await self._store.read(lambda tx: judge(tx, shown, operators, since))
        lines = _lines(findings)
        if silent is not None:  # what was known of the wallet stays so
            judged = {finding.name for finding in findings}
            known = before.differences.items()
            lines |= {about: says for about, says in known if about.split()[0] not in judged}
        listed = {one.name for one in findings if one.kept} >= audit.LISTS
        verdict = Verdict(
            at=now,
            agreed_at=now if listed else before.agreed_at,
            silent=silent,
            total=len(lines),
            differences=dict(list(lines.items())[:MOST_KEPT]),
        )
        await self._tell(verdict, before)
        await self._store.transaction(lambda tx: verdicts.keep(tx, verdict))
        metrics().audit_differences.set(verdict.total)
        return verdict

    async def _tell(self, verdict: Verdict, before: Verdict) -> None:
        """One alert for what was not known before, and none for the same again."""
        known = before.differences
        new = {about: says for about, says in verdict.differences.items() if about not in known}
        for about, says in new.items():
            self._log.error("audit.differs", about=about, says=says)
        if new:
            mark = hashlib.sha256("\n".join(sorted(new)).encode()).hexdigest()[:16]
            first = next(iter(new.values()))
            await self._engine.alert(
                f"audit:{mark}", "alert-audit", {"n": verdict.total, "what": first}
            )


def _lines(findings: Iterable[Finding]) -> dict[str, str]:
    """Every difference by what it is about, which stays the same while its amounts change."""
    return {
        f"{finding.name} {line.split(': ', 1)[0]}": f"{finding.name} {line}"
        for finding in findings
        for line in finding.broken
    }
