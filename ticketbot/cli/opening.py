"""What most commands begin with: the configuration, the bot's keys, a look into the ledger."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ticketbot import config
from ticketbot.config import Config, ConfigProblems, Problem
from ticketbot.errors import Broken
from ticketbot.keys import Keys
from ticketbot.ledger.store import Tx, read_ledger
from ticketbot.ledger.vault import Vault, open_vault

T = TypeVar("T")


class House(NamedTuple):
    """A configuration, and what its nsec opens."""

    config: Config
    keys: Keys

    @property
    def vault(self) -> Vault:
        """What seals the ledger's personal fields."""
        return open_vault(self.keys)

    def look(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on a read-only snapshot of the ledger; Broken when there is none."""
        return read_ledger(self.config.ledger.path, self.vault, work)


def load_config(args: Namespace) -> Config:
    """The configuration that `--config` names, or that is found; ConfigProblems."""
    return config.load(args.config, os.environ)


def quiet_logs(config: Config) -> None:
    """Relays and wallet log as in the daemon: here only their errors are for people."""
    from ticketbot import log

    log.configure(level="error", secrets=[secret.reveal() for secret in config.secrets()])


def open_house(args: Namespace) -> House:
    """The configuration with the bot's keys; ConfigProblems."""
    found = load_config(args)
    try:
        keys = Keys.from_text(found.bot.nsec.reveal())
    except Broken as error:
        raise ConfigProblems((Problem("", "bot.nsec_file", str(error)),)) from None
    return House(found, keys)
