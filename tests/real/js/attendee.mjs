// An attendee with nostr-tools, driven by lines of JSON.
//
// First line in: {"secret", "bot", "relays", "inbox"}, `inbox` being the relays of a kind 10050.
// Then {"do", …} and for each a line out, {"done": …} or {"error": …}; in between, whenever
// the bot writes, {"heard": {"via", "text", "at"}}.

import { createHash, createPublicKey, verify as verifySignature } from "node:crypto";
import { createInterface } from "node:readline";
import * as nip04 from "nostr-tools/nip04";
import * as nip44 from "nostr-tools/nip44";
import { validateBadgeAwardEvent, validateBadgeDefinitionEvent } from "nostr-tools/nip58";
import { createRumor, createSeal, createWrap, unwrapEvent } from "nostr-tools/nip59";
import { getToken } from "nostr-tools/nip98";
import { finalizeEvent, getPublicKey, verifyEvent } from "nostr-tools/pure";
import { Relay, useWebSocketImplementation } from "nostr-tools/relay";
import WebSocket from "ws";

useWebSocketImplementation(WebSocket);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value);
const tell = (message) => process.stdout.write(JSON.stringify(message) + "\n");
const now = () => Math.floor(Date.now() / 1000);

const { secret: hex, bot, relays: urls, inbox } = await next();
const secret = Uint8Array.from(Buffer.from(hex, "hex"));
const me = getPublicKey(secret);
const shared = nip44.getConversationKey(secret, bot);
const sign = async (template) => finalizeEvent(template, secret);

function open(event) {
  if (event.kind === 1059) {
    const rumor = unwrapEvent(event, secret);
    return { via: "nip17", from: rumor.pubkey, text: rumor.content, at: rumor.created_at };
  }
  const via = event.kind === 4 ? "nip04" : "24133";
  const text =
    via === "nip04"
      ? nip04.decrypt(secret, event.pubkey, event.content)
      : nip44.decrypt(event.content, shared);
  return { via, from: event.pubkey, text, at: event.created_at };
}

const seen = new Set();

function hear(event) {
  if (seen.has(event.id)) return;
  seen.add(event.id);
  const { from, ...heard } = open(event);
  if (from !== bot) throw new Error(`a message from ${from}`);
  tell({ heard: { ...heard, kind: event.kind, tags: event.tags } });
}

// NIP-42: whoever is asked for a proof gives it and asks again.
async function proven(relay, attempt) {
  try {
    return await attempt();
  } catch (error) {
    if (!String(error.message ?? error).startsWith("auth-required:")) throw error;
    await relay.auth(sign);
    return attempt();
  }
}

const listen = (relay) =>
  new Promise((resolve, reject) => {
    const wanted = [{ kinds: [4, 1059, 24133], "#p": [me] }];
    relay.subscribe(wanted, { onevent: hear, oneose: resolve, onclose: reject, eoseTimeout: 10_000 });
  });

const relays = await Promise.all(urls.map((url) => Relay.connect(url)));
for (const relay of relays) await proven(relay, () => listen(relay));

const publish = (event) =>
  Promise.all(relays.map((relay) => proven(relay, () => relay.publish(event))));

// What the first relay has stored; only what its signature proves.
const stored = (wanted) =>
  new Promise((resolve, reject) => {
    const found = [];
    const subscription = relays[0].subscribe([wanted], {
      onevent: (event) => verifyEvent(event) && found.push(event),
      oneose: () => resolve(found) ?? subscription.close(),
      onclose: reject,
      eoseTimeout: 10_000,
    });
  });

const template = (kind, tags, content) => ({ kind, tags, content, created_at: now() });

const rumorOf = (text) => createRumor(template(14, [["p", bot]], text), secret);
const wrapOf = (rumor) => createWrap(createSeal(rumor, secret, bot), bot);

const does = {
  say: async ({ text, via }) => {
    const letter = {
      nip17: () => wrapOf(rumorOf(text)),
      nip04: () => finalizeEvent(template(4, [["p", bot]], nip04.encrypt(secret, bot, text)), secret),
      24133: () => finalizeEvent(template(24133, [["p", bot]], nip44.encrypt(text, shared)), secret),
    }[via]();
    await publish(letter);
    return letter;
  },
  publish: async ({ kind, tags, content }) => {
    const event = finalizeEvent(template(kind, tags, content), secret);
    await publish(event);
    return event;
  },
  // What the message would be, once and again, without sending it: one rumor, many wraps.
  wraps: async ({ text, count }) => {
    const rumor = rumorOf(text);
    return Array.from({ length: count }, () => wrapOf(rumor));
  },
  send: async ({ event }) => publish(event),
  fetch: async ({ wanted }) => stored(wanted),
  // The bot's badges: what it has defined, and to whom it has awarded it.
  badges: async () => ({
    definitions: (await stored({ kinds: [30009], authors: [bot] })).filter(validateBadgeDefinitionEvent),
    awards: (await stored({ kinds: [8], authors: [bot] })).filter(validateBadgeAwardEvent),
  }),
  proof: async ({ url, method, body }) => getToken(url, method, sign, true, body),
  jwt: async ({ jwt, jwk }) => readJwt(jwt, jwk),
  ticket: async ({ token, key, salt }) => readTicket(token, key, salt),
};

// docs/api.md: a ticket as a JSON Web Token, with nothing but node's own crypto.
function readJwt(jwt, jwk) {
  const [head, claims, signature] = jwt.split(".");
  const read = (part) => JSON.parse(Buffer.from(part, "base64url"));
  const { alg, kid } = read(head);
  if (alg !== "EdDSA" || kid !== jwk.kid) throw new Error(`signed by ${kid} with ${alg}`);
  const signed = Buffer.from(`${head}.${claims}`);
  const key = createPublicKey({ key: jwk, format: "jwk" });
  if (!verifySignature(null, signed, key, Buffer.from(signature, "base64url"))) throw new Error("forged");
  return read(claims);
}

// docs/protocol.md, "The ticket": nothing but node's own crypto, as a door program would.
function readTicket(token, key, salt) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const [head, body] = token.split(":");
  const bits = [...body].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0"));
  const raw = Buffer.from(bits.join("").match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const signed = raw.subarray(0, 53);
  const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.from(key, "hex").toString("base64url") };
  const door = createPublicKey({ key: jwk, format: "jwk" });
  const sha256 = (...parts) => {
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    return hash.digest();
  };
  const bitsOfId = [...raw.subarray(1, 11)].map((byte) => byte.toString(2).padStart(8, "0"));
  const id = bitsOfId.join("").match(/.{5}/g).map((five) => alphabet[parseInt(five, 2)]).join("");
  const ticketId = id.toLowerCase();
  const holder = sha256(Buffer.from(salt, "hex"), Buffer.from(me, "hex"), ticketId);
  return {
    format: `${head}/${raw[0]}`,
    bytes: raw.length,
    genuine: verifySignature(null, signed, door, raw.subarray(53)),
    ticket_id: ticketId,
    event: raw.subarray(11, 19).toString("hex"),
    mine: holder.subarray(0, 16).equals(raw.subarray(19, 35)),
    issued_at: raw.readUInt32BE(35),
    expires_at: raw.readUInt32BE(39),
    version: raw.readUInt16BE(51),
  };
}

if (inbox.length) {
  const tags = inbox.map((url) => ["relay", url]);
  await does.publish({ kind: 10050, tags, content: "" });
}
tell({ done: me });

for await (const line of lines) {
  const { do: what, ...asked } = JSON.parse(line);
  try {
    tell({ done: await does[what](asked) });
  } catch (error) {
    tell({ error: String(error) });
  }
}
for (const relay of relays) relay.close();
process.exit(0); // without waiting for what nostr-tools still has on a timer
