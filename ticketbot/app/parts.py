"""What the configuration chooses: the key that signs tickets, the wallet, handlers' settings."""

from __future__ import annotations

import os
from collections.abc import Callable

from ticketbot.config import Config
from ticketbot.domain.ticket import TicketKey
from ticketbot.domain.when import HOUR
from ticketbot.handlers.context import Settings
from ticketbot.lightning import Wallet
from ticketbot.lnurl import Lnurl
from ticketbot.wallets.fake import FakeWallet
from ticketbot.wallets.lnbits import LNbits


def open_ticket_key(config: Config) -> TicketKey:
    """The Ed25519 key that signs tickets, made (mode 0600) when there is none yet."""
    if config.bot.ticket_key is not None:
        return TicketKey.from_bytes(bytes.fromhex(config.bot.ticket_key.reveal()))
    seed = os.urandom(32)
    path = config.bot.ticket_key_file
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(seed.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return TicketKey.from_bytes(seed)


def build_wallet(config: Config, clock: Callable[[], float]) -> Wallet:
    """The wallet that `[lightning] wallet` names."""
    if config.lightning.wallet == "fake":
        return FakeWallet(config.ledger.path.with_name("fake-wallet.db"), clock=clock)
    lnbits = config.lnbits
    assert lnbits is not None
    return LNbits(
        lnbits.url,
        lnbits.invoice_key.reveal(),
        lnbits.admin_key.reveal() if lnbits.admin_key is not None else None,
        requests_per_minute=lnbits.requests_per_minute,
        clock=clock,
    )


def build_lnurl(config: Config, wallet: Wallet) -> Lnurl:
    """Asks payees for invoices, by the wallet's clock; their network is judged by who pays."""
    return Lnurl(
        config.lightning.allow_private_lnurl,
        config.nostr.proxy,
        clock=wallet.now,
    )


def settings_of(config: Config, bot: str, *, by_hand: bool = True) -> Settings:
    """What handlers need of the configuration, and whether refunds are paid by hand."""
    return Settings(
        bot=bot,
        name=config.bot.name,
        relays=tuple(config.nostr.relays),
        operators=frozenset(config.bot.operators),
        organizers=config.bot.organizers,
        public_url=config.web.public_url if config.web is not None else None,
        ephemeral=config.nostr.ephemeral_tickets,
        hold_seconds=config.sales.hold_seconds,
        max_holds_per_buyer=config.sales.max_holds_per_buyer,
        max_tickets_per_order=config.sales.max_tickets_per_order,
        messages_per_minute=config.limits.messages_per_minute,
        newcomers_per_minute=config.limits.newcomers_per_minute,
        proof_of_work_bits=config.limits.proof_of_work_bits,
        refunds_by_hand=by_hand,
        doors_open_hours=config.door.open_hours,
        attendance=config.after.attendance,
        thanks=config.after.thanks,
        keep_seconds=config.queue.keep_minutes * 60,
        remind_hours=config.reminders.hours_before,
        last_call_hours=config.reminders.last_call_hours,
        quiet_hours=config.reminders.quiet_hours,
        change_refund_hours=config.changes.refund_hours,
        commission_ppm=config.commission.ppm,
        commissions=config.commission.organizers,
        payout_delay=config.payouts.delay_hours * HOUR,
        payout_minimum=config.payouts.minimum_sats * 1000,
    )
