"""How programs choose the language of what is said to people."""

from __future__ import annotations

from collections.abc import Mapping

from ticketbot.domain.command import ChooseLanguage
from ticketbot.domain.requests.fields import Asked

REQUESTS: Mapping[str, Asked] = {
    "lang": lambda f: ChooseLanguage(f.text("language", 40).lower()),
}
