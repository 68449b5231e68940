"""Spanish: the words that are understood, the language that is guessed, dates and amounts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import ticketbot
from tests.unit.test_texts import listing
from ticketbot.domain.command import (
    Buy,
    CancelOrder,
    ChooseLanguage,
    Command,
    ForgetMe,
    Hello,
    Help,
    ListEvents,
    Refund,
    Resend,
    ShowEvent,
    ShowStatus,
    ShowTickets,
    Thanks,
)
from ticketbot.domain.naming import short_code
from ticketbot.domain.speech import READERS, read_text
from ticketbot.domain.tongues import LANGUAGES, NAMES, SPANISH, TELLS, guess_language
from ticketbot.domain.vocabulary import RESERVED, VERBS
from ticketbot.replies import local

NOT_FOR_EVERYBODY = {
    *("refunds", "orphans", "stop sales", "resume sales", "resume refunds"),
    *("pending", "stuck", "retry"),
    *("checkin", "checkout", "undo", "door", "promo", "promos", "give back"),
    *("announce", "attendees", "comp", "find", "order", "pause", "rehearse", "resume", "stats"),
    *("balance", "payout", "payouts", "resume payouts", "statement"),
}
"""Commands of operators, organizers and their staff: those stay English."""


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("Hola", Hello()),
        ("¡Buenos días!", Hello()),
        ("muchas gracias", Thanks()),
        ("¿ayuda?", Help()),
        ("eventos", ListEvents()),
        ("evento lisboa", ShowEvent(("lisboa",))),
        ("comprar lisboa", Buy(("lisboa",))),
        ("Quiero comprar 2 entradas para lisboa", Buy(("lisboa",), 2)),
        ("compra lisboa 3 vip por favor", Buy(("lisboa", "vip"), 3)),
        ("entradas", ShowTickets()),
        ("mis entradas", ShowTickets()),
        ("reenviar", Resend()),
        ("estado", ShowStatus()),
        ("cancelar el pedido", CancelOrder(None)),
        ("reembolso yo@ejemplo.es", Refund(("yo@ejemplo.es",))),
        ("olvídame", ForgetMe(sure=False)),
        ("olvídame sí", ForgetMe(sure=True)),
        ("idioma español", ChooseLanguage("español")),
        ("lang es", ChooseLanguage("es")),
        ("language", ChooseLanguage(None)),
    ],
)
def test_spanish_words_are_understood(text: str, command: Command) -> None:
    assert read_text(text) == command


def test_every_command_of_attendees_has_a_spanish_word() -> None:
    verbs = {verb for verb in READERS if not verb.startswith("door ")}
    assert sorted(verbs - NOT_FOR_EVERYBODY - set(SPANISH.values())) == []
    assert SPANISH.items() <= VERBS.items()


def test_no_event_is_named_by_a_spanish_command() -> None:
    assert {word for word in SPANISH if " " not in word} <= RESERVED
    assert short_code("Eventos Lisboa", ()) == "LISBOA"
    assert short_code("Para Boletos de Sevilla", ()) == "SEVILLA"


def test_names_of_languages_are_of_those_that_are_spoken() -> None:
    assert set(NAMES.values()) == set(TELLS.values()) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("hola", "es"),
        ("¡Hola! ¿qué hay?", "es"),
        ("comprar lisboa", "es"),
        ("Hello", "en"),
        ("buy lisbon", None),
        ("tickets", None),
        ("gm", None),
        ("", None),
        ("   ", None),
        ("😀", None),
        ("h" * 50_000, None),
    ],
)
def test_the_first_word_tells_the_language_or_nothing(text: str, language: str | None) -> None:
    assert guess_language(text) == language


def test_days_and_times_in_spanish() -> None:
    one = replace(listing("W"), timezone="Europe/Madrid", start=1_804_186_800, end=1_804_201_200)
    assert local.when_line(one) == "Thu 4 Mar 2027, 20:00–Fri 5 Mar, 00:00 (Europe/Madrid)"
    spanish = "jueves 4 mar 2027, 20:00–viernes 5 mar, 00:00 (Europe/Madrid)"
    assert local.when_line(one, "es") == spanish
    assert local.short_when(one, "es") == "4 mar 20:00"
    assert local.moment(1_767_268_800, "es") == "01 ene 2026, 12:00 UTC"
    days = replace(one, all_day=True, start=1_804_118_400, end=1_804_334_400)
    assert local.when_line(days, "es") == "jueves 4 mar 2027 – viernes 5 mar 2027"


@pytest.mark.parametrize(
    ("msat", "english", "spanish"),
    [
        (0, "free", "gratis"),
        (1_000, "1 sat", "1 sat"),
        (5_000_000, "5,000 sats", "5000 sats"),
        (42_000_000, "42,000 sats", "42\u202f000 sats"),
        (1_234_567_500, "1,234,567.5 sats", "1\u202f234\u202f567,5 sats"),
        (-12_345_000, "-12,345 sats", "-12\u202f345 sats"),
    ],
)
def test_amounts_in_spanish(msat: int, english: str, spanish: str) -> None:
    assert local.sats(msat) == english
    assert local.sats(msat, "es") == spanish


def test_spans_of_time() -> None:
    assert [local.span(n) for n in (7, 240, 7_200, 200_000)] == ["7 s", "4 min", "2 h", "2 days"]
    assert local.span(200_000, "es") == "2 días"


def test_only_one_room_writes_the_names_of_days_and_months() -> None:
    """strftime knows no language but the machine's."""
    code = Path(ticketbot.__file__).parent
    named = re.compile(r"%-?[aAbB]\b")
    found = [
        str(path.relative_to(code))
        for path in sorted(code.rglob("*.py"))
        if named.search(path.read_text("utf-8"))
    ]
    assert found == []
