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
};

/** The sentences in the reader's language, and the locale that writes dates to match. */
export function chooseWords(languages) {
  for (const locale of languages) {
    const words = WORDS[locale.slice(0, 2).toLowerCase()];
    if (words) return { words, locale };
  }
  return { words: WORDS.en, locale: "en-GB" };
}
