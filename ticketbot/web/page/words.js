// Every sentence of the page, by language; `{bot}` is the bot's name.

const WORDS = {
  en: {
    ticket: "Your ticket",
    when: "When",
    where: "Where",
    expires: "Valid until",
    version: "Version",
    hint: "Show this at the door, with the screen bright.",
    print: "Print",
    qr: "QR code of ticket {code}",
    genuine: "Genuine",
    unchecked: "Not checked",
    expired: "Expired",
    forged: "Not genuine",
    damaged: "Damaged",
    "not-a-ticket": "No ticket here",
    "unknown-version": "Unknown kind",
    empty: "No ticket here",
    "say-genuine": "Signed by {bot}. Whether it was used already, the door knows.",
    "say-unchecked": "This browser cannot check the signature; the door will.",
    "say-expired": "The time of this ticket is over.",
    "say-forged": "This is not a ticket of {bot}: its signature is wrong. It opens no door.",
    "say-damaged":
      "Part of the ticket is missing or wrong. Open the link again from the message, whole, or send “resend” to {bot}.",
    "say-not-a-ticket":
      "This link carries no ticket. Open it again from the message, whole, or send “resend” to {bot}.",
    "say-unknown-version":
      "This ticket is of a kind that this page cannot read. Show it at the door, or send “resend” to {bot}.",
    "say-empty":
      "A ticket arrives as a message from {bot}, with a link. Opened from there, the link shows the ticket on this page.",
    unsigned: "Title, time and place come with the link; the signature covers the code.",
  },
  es: {
    ticket: "Tu entrada",
    when: "Cuándo",
    where: "Dónde",
    expires: "Válida hasta",
    version: "Versión",
    hint: "Enséñala en la puerta, con mucho brillo.",
    print: "Imprimir",
    qr: "Código QR de la entrada {code}",
    genuine: "Auténtica",
    unchecked: "Sin comprobar",
    expired: "Caducada",
    forged: "No es auténtica",
    damaged: "Dañada",
    "not-a-ticket": "Aquí no hay entrada",
    "unknown-version": "Clase desconocida",
    empty: "Aquí no hay entrada",
    "say-genuine": "Firmada por {bot}. Si ya se usó, lo sabe la puerta.",
    "say-unchecked": "Este navegador no puede comprobar la firma; la puerta lo hará.",
    "say-expired": "El tiempo de esta entrada ya pasó.",
    "say-forged": "Esta no es una entrada de {bot}: su firma es falsa. No abre ninguna puerta.",
    "say-damaged":
      "A la entrada le falta una parte, o está mal. Abre otra vez el enlace del mensaje, entero, o envía “resend” a {bot}.",
    "say-not-a-ticket":
      "Este enlace no lleva ninguna entrada. Ábrelo otra vez desde el mensaje, entero, o envía “resend” a {bot}.",
    "say-unknown-version":
      "Esta entrada es de una clase que esta página no puede leer. Enséñala en la puerta, o envía “resend” a {bot}.",
    "say-empty":
      "Una entrada llega en un mensaje de {bot}, con un enlace. Si lo abres desde ahí, esta página la muestra.",
    unsigned: "El título, la hora y el lugar vienen con el enlace; la firma cubre el código.",
  },
};

/** The sentences in the reader's language, and the locale that writes dates to match. */
export function chooseWords(languages) {
  for (const locale of languages) {
    const words = WORDS[locale.slice(0, 2).toLowerCase()];
    if (words) return { words, locale };
  }
  return { words: WORDS.en, locale: "en-GB" };
}
