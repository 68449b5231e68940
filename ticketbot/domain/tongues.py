"""Languages: what they are called, and the Spanish words for the commands.

Commands are English words. A Spanish word stands here where it means one of them and nothing
else: neither an English verb, nor what an event's code may be.
"""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


LANGUAGES = {"en": "English", "es": "español"}
"""ISO 639-1 → what its speakers call it. Each has a folder in `locales/`."""

NAMES: dict[str, str] = {
    **dict.fromkeys(("en", "eng", "english", "inglés", "ingles"), "en"),
    **dict.fromkeys(("es", "esp", "spanish", "español", "espanol", "castellano"), "es"),
}
"""What people call a language, in small letters → which it is."""

SPANISH: dict[str, str] = {
    **dict.fromkeys(("buenas", "buenos días", "buenos dias", "saludos"), "hello"),
    **dict.fromkeys(("vale", "perfecto", "genial", "estupendo", "muchas gracias"), "thanks"),
    **dict.fromkeys(("ayuda", "ayúdame", "ayudame", "comandos"), "help"),
    **dict.fromkeys(("eventos", "lista", "cartelera"), "events"),
    **dict.fromkeys(("evento", "detalles"), "event"),
    **dict.fromkeys(("comprar", "compra", "compro", "cómprame", "comprame", "reservar"), "buy"),
    **dict.fromkeys(("entradas", "entrada", "boletos", "boleto", "tiquetes"), "tickets"),
    **dict.fromkeys(("reenviar", "reenvía", "reenvia", "reenvíame", "reenviame"), "resend"),
    **dict.fromkeys(("estado", "pedido"), "status"),
    "pedidos": "orders",
    **dict.fromkeys(("cancelar", "cancela", "anular", "anula"), "cancel"),
    **dict.fromkeys(("apuntarme", "apúntame", "apuntame", "cola"), "join"),
    **dict.fromkeys(("salir", "dejar"), "leave"),
    **dict.fromkeys(("espera", "esperando"), "waiting"),
    **dict.fromkeys(("enlace", "pagar", "factura"), "link"),
    **dict.fromkeys(("reembolso", "reembolsar", "devolución", "devolucion", "devolver"), "refund"),
    **dict.fromkeys(("olvídame", "olvidame", "olvida me"), "forget me"),
    **dict.fromkeys(("idioma", "lengua"), "lang"),
    **dict.fromkeys(("calendario", "agenda"), "calendar"),
    **dict.fromkeys(("imprimir", "imprime"), "pdf"),
    **dict.fromkeys(("transferir", "transfiere", "ceder"), "transfer"),
    **dict.fromkeys(("aceptar", "acepto", "acepta"), "accept"),
    **dict.fromkeys(("rechazar", "rechazo", "rechaza"), "decline"),
    **dict.fromkeys(("validar", "valida", "verificar"), "validate"),
    **dict.fromkeys(("insignia", "medalla"), "badge"),
    **dict.fromkeys(("asistencia", "asistentes"), "attendance"),
}
"""A Spanish word or two → the verb that it means."""

YES = frozenset({"yes", "sí", "si"})
"""What confirms: people answer a question in the language it was asked in."""

SPANISH_POLITE = frozenset(_words("mi mis por favor quiero quisiera porfa"))
SPANISH_NOISE = frozenset(_words("para de entrada entradas boleto boletos asiento asientos plaza"))
SPANISH_ORDER = frozenset(_words("el la del de pedido pedidos a al"))
SPANISH_NUMBERS = _words("uno dos tres cuatro cinco seis siete ocho nueve diez once doce")

_SPANISH_TELLS = (
    "hola gracias quiero quisiera necesito tengo puedo cuánto cuanto cuánta cuándo cuando dónde "
    "donde qué cómo como quién hay buenas buenos muchas olvida por"
)
_ENGLISH_TELLS = (
    "hello hi hey howdy thanks thank cheers please what how when where who which can could is are "
    "the my i"
)
TELLS: dict[str, str] = {
    **dict.fromkeys(_ENGLISH_TELLS.split(), "en"),
    **dict.fromkeys(_SPANISH_TELLS.split(), "es"),
    **dict.fromkeys((word for word in SPANISH if " " not in word), "es"),
}
"""A first word that only one language has → that language."""

LONGEST_WORD = 40


def guess_language(text: str) -> str | None:
    """The language that somebody's first word tells; None where many have it, as commands do."""
    words = text[: LONGEST_WORD * 4].split()
    first = words[0].strip("/!#\"'“”‘’«»([{<*~`¿¡.,;:?)]}>…").lower() if words else ""
    return TELLS.get(first)
