"""`lang es`: which language somebody is written to in, from the next word on."""

from __future__ import annotations

from ticketbot.domain.command import ChooseLanguage
from ticketbot.domain.tongues import LANGUAGES, NAMES
from ticketbot.errors import Refused
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.ledger import people
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report

DEFAULT = "en"


def choose(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Remember the choice; the answer is in that language already."""
    command = request.command
    assert isinstance(command, ChooseLanguage)
    if command.word is None:
        return [_report(request.person.language or DEFAULT, "language-is")]
    language = NAMES.get(command.word)
    if language is None:
        known = ", ".join(f"{name} ({code})" for code, name in LANGUAGES.items())
        raise Refused("bad-request", "language-unknown", word=command.word, languages=known)
    people.speaks(tx, request.person, language, chosen=True)
    return [_report(language, "language-set")]


def _report(language: str, sentence: str) -> Report:
    return Report("lang", {"language": language}, sentence, {"name": LANGUAGES[language]})


def language_for(tx: Tx, pubkey: str) -> str:
    """In which language a program of theirs is answered: the one they chose, or the bot's own."""
    person = people.known(tx, pubkey)
    return person.language if person is not None and person.chosen else DEFAULT


COMMANDS: Commands = {ChooseLanguage: choose}
