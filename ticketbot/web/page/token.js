// The ticket's token in the browser: the same reading as ticketbot/domain/ticket.py.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SIGNED_BYTES = 53;

export class TicketError extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/** The parts of a link's fragment: `#<token>&e=<title>&p=<place>&w=<start>&z=<zone>`. */
export function readFragment(hash) {
  const [first, ...rest] = hash.replace(/^#/, "").split("&");
  const extras = Object.fromEntries(rest.map((part) => [part.slice(0, 1), plain(part.slice(2))]));
  return {
    token: decode(first).replace(/\s/g, ""),
    title: extras.e ?? "",
    place: extras.p ?? "",
    start: extras.w ?? "",
    zone: extras.z ?? "",
  };
}

/** `{token, claims, signed, signature}`; throws `TicketError` with the reason. */
export function readToken(text) {
  const shape = /^TKT([0-9]+):(.*)$/.exec(/^[\x21-\x7e]*$/.test(text) ? text.toUpperCase() : "");
  if (!shape) throw new TicketError(text === "" ? "empty" : "not-a-ticket");
  if (shape[1] !== "1") throw new TicketError("unknown-version");
  if (!/^[A-Z2-7]{188}$/.test(shape[2])) throw new TicketError("damaged");
  const raw = fromBase32(shape[2]);
  if (toBase32(raw) !== shape[2]) throw new TicketError("damaged");
  if (raw[0] !== 1) throw new TicketError("unknown-version");
  const view = new DataView(raw.buffer);
  return {
    token: shape[0],
    signed: raw.subarray(0, SIGNED_BYTES),
    signature: raw.subarray(SIGNED_BYTES),
    claims: {
      ticketId: toBase32(raw.subarray(1, 11)),
      event: raw.subarray(11, 19),
      issuedAt: view.getUint32(35),
      expiresAt: view.getUint32(39),
      version: view.getUint16(51),
    },
  };
}

/** Whether the signature is the bot's; undefined where the browser cannot tell. */
export async function isGenuine({ signed, signature }, publicKeyHex) {
  const raw = Uint8Array.from(publicKeyHex.match(/../g), (byte) => Number.parseInt(byte, 16));
  try {
    const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, signature, signed);
  } catch {
    return undefined; // an older browser, or a page that came over plain http
  }
}

function fromBase32(letters) {
  const bytes = new Uint8Array(Math.floor((letters.length * 5) / 8));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const letter of letters) {
    bits = ((bits << 5) | ALPHABET.indexOf(letter)) & 0xfff;
    held += 5;
    if (held >= 8) {
      held -= 8;
      bytes[at++] = bits >> held;
    }
  }
  return bytes;
}

function toBase32(bytes) {
  let letters = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xfff;
    for (held += 8; held >= 5; held -= 5) letters += ALPHABET[(bits >> (held - 5)) & 31];
  }
  return held ? letters + ALPHABET[(bits << (5 - held)) & 31] : letters;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// What came with the link is shown as it is, but for characters that reorder or hide others.
function plain(text) {
  return decode(text)
    .replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, " ")
    .trim()
    .slice(0, 120);
}
