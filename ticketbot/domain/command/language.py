"""In which language somebody is written to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChooseLanguage:
    """A language by its name or code, in small letters; None: which one is it now?"""

    word: str | None = None


Choosing = ChooseLanguage
