"""How people choose their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ticketbot.domain.command import ChooseLanguage, Command
from ticketbot.domain.naming import quote
from ticketbot.domain.speech.words import POLITE, Reader, without

_NOISE = POLITE | {"to", "in", "a", "speak"}


def _lang(rest: Sequence[str]) -> Command:
    words = without(_NOISE, rest)
    return ChooseLanguage(quote(words[0]).lower() if words else None)


READERS: Mapping[str, Reader] = {"lang": _lang}
