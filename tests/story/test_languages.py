"""People are written to in their language: the one they chose, or else the one they began in."""

from __future__ import annotations

import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from ticketbot import drawing


async def test_who_says_hola_is_served_in_spanish_to_the_end(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.announces()
    await organizer.hears("On sale")
    await alice.says("hola")
    assert "entradas con una clave" in await alice.hears("Hola, soy")
    await alice.says("quiero comprar 2 entradas para lisbon")
    said = await alice.hears("Pedido")
    assert "= 10\u202f000 sats · paga antes de las" in said
    await alice.pays(await alice.gets_an_invoice())
    for _ in range(2):
        ticket = await alice.hears("Tu entrada: Lisbon Meetup")
        assert "enséñalo en la puerta" in ticket
    await alice.says("mis entradas")
    await alice.hears("Tienes 2 entradas:")
    await bob.says("events")
    await bob.hears("More about one: event lisbon")


async def test_commands_tell_no_language_and_greetings_do(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await alice.says("buenas")
    await alice.hears("Hola, soy")
    await alice.says("tickets")
    await alice.hears("No tienes entradas")
    await alice.says("hello")
    await alice.hears("Hi, this is")
    await alice.says("tickets")
    await alice.hears("You hold no tickets")


async def test_a_choice_stays_whatever_the_greeting(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await alice.says("lang es")
    await alice.hears("Desde ahora te escribo en español")
    await alice.says("hello")
    await alice.hears("Hola, soy")
    await alice.says("language english")
    await alice.hears("From now on I write to you in English")
    await alice.says("hola")
    await alice.hears("Hi, this is")
    await alice.says("lang")
    await alice.hears("I write to you in English")


@pytest.mark.parametrize("word", ["klingon", "<script>", "=cmd", "🦀", "x" * 1_900])
async def test_a_language_that_is_not_spoken_changes_nothing(
    stage: Stage, alice: Person, word: str
) -> None:
    await alice.says("lang es")
    await alice.hears("Desde ahora")
    await alice.says(f"lang {word}")
    assert "English (en), español (es)" in await alice.hears("No hablo")
    await alice.says("tickets")
    await alice.hears("No tienes entradas")


async def test_programs_are_answered_in_english_until_a_language_is_chosen(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await alice.says("hola")
    await alice.hears("Hola, soy")
    await alice.asks(type="status", request_id="1", order_id="nosuchorder1")
    assert "You have no order" in (await alice.is_told("error"))["message"]
    await alice.asks(type="lang", request_id="2", language="es")
    told = await alice.is_told("lang")
    assert told["language"] == "es" and "Desde ahora" in told["message"]
    await alice.asks(type="status", request_id="3", order_id="nosuchorder1")
    assert "No tienes ningún pedido" in (await alice.is_told("error"))["message"]
    await alice.asks(type="lang", request_id="4")
    assert (await alice.is_told("error"))["code"] == "bad-request"


async def test_what_is_told_later_is_in_their_language_too(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """An organizer and an operator who chose Spanish, and an order that lapses."""
    for one in (organizer, stage.operator):
        await one.says("idioma español")
        await one.hears("Desde ahora")
    await organizer.announces("Noche de jazz")
    await organizer.hears("A la venta: Noche de jazz")
    await alice.says("hola")
    await alice.hears("Hola, soy")
    await alice.says("comprar noche")
    await alice.gets_an_invoice()
    stage.clock.forward(HOUR)
    await alice.hears("caducó y no se cobró nada")
    await stage.app.engine.alert("test", "alert-ledger", {"span": 7_200})
    await stage.operator.hears("Alerta: durante 2 h no se pudo escribir")


async def test_a_language_survives_a_restart(stage: Stage, alice: Person) -> None:
    await alice.says("lang es")
    await alice.hears("Desde ahora")
    await stage.closes()
    await stage.opens()
    await alice.says("tickets")
    await alice.hears("No tienes entradas")


async def test_the_picture_of_the_sales_speaks_with_its_organizer(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(price=["1500", "SAT"], stock=20_000)
    await alice.buys("lisbon 10")
    pictures = []
    for language in ("en", "es"):
        await organizer.says(f"lang {language}")
        await organizer.hears()
        await organizer.says("stats lisbon")
        link = (await organizer.hears("/stats/")).rpartition("/")[2]
        picture = await stage.app.desk.sales_picture(link)
        assert picture is not None
        pictures.append(picture)
    english, spanish = pictures
    assert dict(spanish.figures) == {
        "vendidas": "10 / 20\u202f000",
        "tuyo": "15\u202f000 sats",
        "reservadas": "0",
    }
    assert dict(english.figures)["sold"] == "10 / 20,000"
    assert spanish.words.keys() == english.words.keys()
    assert [name for name, word in spanish.words.items() if english.words[name] == word] == []
    assert spanish.subtitle.endswith(" · a la venta")
    assert [one.name for one in spanish.shares] != [one.name for one in english.shares]
    assert (spanish.counted(1_500), spanish.counted(20_000)) == ("1500", "20\u202f000")
    assert drawing.png(spanish) != drawing.png(english)
