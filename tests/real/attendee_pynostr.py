"""An attendee with pynostr, driven by lines of JSON as in js/attendee.mjs; speaks NIP-04.

pynostr visits its relays: it connects, says what it has to say, reads what is stored, and
leaves. So this is also the attendee who only looks in now and then.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

from pynostr.encrypted_dm import EncryptedDirectMessage
from pynostr.event import Event, EventKind
from pynostr.filters import Filters, FiltersList
from pynostr.key import PrivateKey
from pynostr.message_pool import MessagePool
from pynostr.relay import Relay
from tornado.ioloop import IOLoop

DM = EventKind.ENCRYPTED_DIRECT_MESSAGE
EVERY = 0.2


class Attendee:
    """A key, and the relays it looks in at."""

    def __init__(self, secret: str, bot: str, relays: list[str]) -> None:
        self._key = PrivateKey.from_hex(secret)
        self._bot = bot
        self._relays = relays
        self._pool = MessagePool(first_response_only=True)
        self.me = self._key.public_key.hex()

    def look_in(self, event: Event | None = None) -> None:
        """Visit every relay, with an event to leave there if there is one."""
        for url in self._relays:
            relay = Relay(url, self._pool, IOLoop.current(), timeout=10)
            if event is not None:
                relay.publish(event.to_message())
            wanted = Filters(kinds=[DM], authors=[self._bot], pubkey_refs=[self.me])
            relay.add_subscription("inbox", FiltersList([wanted]))
            IOLoop.current().run_sync(relay.connect)
            if relay.eose_counter != 1:
                raise ConnectionError(f"{url} did not tell what it has stored")
        for message in self._pool.get_all_events():
            self._hear(message.event)

    def say(self, text: str, via: str) -> dict[str, Any]:
        """Send a NIP-04 message; the event."""
        if via != "nip04":
            raise ValueError("pynostr speaks NIP-04 only")
        message = EncryptedDirectMessage()
        message.encrypt(self._key.hex(), text, self._bot)
        return self._send(message.to_event())

    def publish(self, kind: int, tags: list[list[str]], content: str) -> dict[str, Any]:
        return self._send(Event(content, kind=kind, tags=tags))

    def _send(self, event: Event) -> dict[str, Any]:
        event.sign(self._key.hex())
        self.look_in(event)
        said = self._pool.get_all_ok()
        if [(one.event_id, one.ok) for one in said] != [(event.id, True)] * len(self._relays):
            raise ConnectionError(f"what the relays said: {said}")
        shown: dict[str, Any] = event.to_dict()
        return shown

    def _hear(self, event: Event) -> None:
        message = EncryptedDirectMessage.from_event(event)
        message.decrypt(self._key.hex(), public_key_hex=event.pubkey)
        heard = {"via": "nip04", "text": message.cleartext_content, "at": event.created_at}
        _tell({"heard": {**heard, "kind": event.kind, "tags": event.tags}})


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _read_lines(lines: queue.Queue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    lines.put("")


def main() -> None:
    hello = json.loads(sys.stdin.readline())
    attendee = Attendee(hello["secret"], hello["bot"], hello["relays"])
    if hello["inbox"]:
        attendee.publish(10050, [["relay", url] for url in hello["inbox"]], "")
    attendee.look_in()
    _tell({"done": attendee.me})
    does: dict[str, Callable[..., Any]] = {"say": attendee.say, "publish": attendee.publish}
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read_lines, args=(lines,), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=EVERY)
        except queue.Empty:
            attendee.look_in()
            continue
        if not line:
            return
        asked = json.loads(line)
        try:
            _tell({"done": does[asked.pop("do")](**asked)})
        except Exception as error:  # noqa: BLE001  whatever it is, the test is to see it
            _tell({"error": repr(error)})


if __name__ == "__main__":
    main()
