// nostr-tools as the other side of the interoperability tests.
// A line of JSON in, {"do": …}; a line of JSON out, the result or {"error": …}.

import { createInterface } from "node:readline";
import * as nip04 from "nostr-tools/nip04";
import * as nip17 from "nostr-tools/nip17";
import * as nip44 from "nostr-tools/nip44";
import { finalizeEvent, verifyEvent } from "nostr-tools/pure";

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

const conversation = ({ secret, pubkey }) => nip44.getConversationKey(bytes(secret), pubkey);

const does = {
  encrypt44: (ask) => nip44.encrypt(ask.text, conversation(ask)),
  decrypt44: (ask) => nip44.decrypt(ask.text, conversation(ask)),
  encrypt04: ({ secret, pubkey, text }) => nip04.encrypt(bytes(secret), pubkey, text),
  decrypt04: ({ secret, pubkey, text }) => nip04.decrypt(bytes(secret), pubkey, text),
  wrap: ({ secret, pubkey, text }) => nip17.wrapEvent(bytes(secret), { publicKey: pubkey }, text),
  unwrap: ({ secret, event }) => nip17.unwrapEvent(event, bytes(secret)),
  sign: ({ secret, event }) => finalizeEvent(event, bytes(secret)),
  verify: ({ event }) => verifyEvent(event),
};

for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line);
  let answer;
  try {
    answer = await does[ask.do](ask);
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
