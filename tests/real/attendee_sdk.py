"""Somebody with nostr-sdk, driven by lines of JSON as in js/attendee.mjs; speaks NIP-17."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import nostr_sdk
from nostr_sdk import Client, ClientBuilder, Event, EventBuilder, Filter, Kind, RelayUrl

PATIENCE = timedelta(seconds=15)
INBOX = "inbox"


class Somebody:
    """A key and its connections."""

    def __init__(self, secret: str, bot: str, relays: list[str]) -> None:
        self._keys = nostr_sdk.Keys.parse(secret)
        self._bot = nostr_sdk.PublicKey.parse(bot)
        self._relays = [RelayUrl.parse(url) for url in relays]
        self._client: Client = ClientBuilder().build()
        self.me = self._keys.public_key().to_hex()

    async def connect(self) -> None:
        for relay in self._relays:
            await self._client.add_relay(relay)
        await self._client.connect(PATIENCE)
        self._stream = self._client.notifications()
        wanted = {"kinds": [4, 1059, 24133], "#p": [self.me]}
        target = nostr_sdk.ReqTarget.auto([Filter.from_json(json.dumps(wanted))])
        await self._client.subscribe(target, id=INBOX)

    async def listen(self) -> None:
        """Tell what the bot writes, for ever."""
        while (notice := await self._stream.next()) is not None:
            if notice.is_new_event() and notice.subscription_id == INBOX:
                self._hear(notice.event)

    def _hear(self, event: Event) -> None:
        raw = json.loads(event.as_json())
        heard = {"kind": raw["kind"], "tags": raw["tags"], "at": raw["created_at"]}
        if raw["kind"] == 1059:
            gift = nostr_sdk.UnwrappedGift.from_gift_wrap(self._keys, event)
            rumor = json.loads(gift.rumor().as_json())
            if gift.sender() != self._bot:
                raise ValueError(f"a message from {gift.sender().to_hex()}")
            heard |= {"via": "nip17", "text": rumor["content"], "at": rumor["created_at"]}
        elif raw["kind"] == 4:
            text = self._keys.nip04_decrypt(event.author(), event.content())
            heard |= {"via": "nip04", "text": text}
        else:
            text = self._keys.nip44_decrypt(event.author(), event.content())
            heard |= {"via": "24133", "text": text}
        _tell({"heard": heard})

    async def say(self, text: str, via: str) -> Any:
        if via == "nip17":
            event = nostr_sdk.nip17_make_private_msg(self._keys, self._bot, text)
            return await self._send(event)
        kind, encrypt = {
            "nip04": (4, self._keys.nip04_encrypt),
            "24133": (24133, self._keys.nip44_encrypt),
        }[via]
        return await self.publish(kind, [["p", self._bot.to_hex()]], encrypt(self._bot, text))

    async def publish(self, kind: int, tags: list[list[str]], content: str) -> Any:
        rows = [nostr_sdk.Tag.parse(tag) for tag in tags]
        return await self._send(EventBuilder(Kind(kind), content).tags(rows).finalize(self._keys))

    async def fetch(self, wanted: dict[str, Any]) -> Any:
        """The stored events that a filter finds."""
        target = nostr_sdk.ReqTarget.auto([Filter.from_json(json.dumps(wanted))])
        found = await self._client.fetch_events(target, PATIENCE)
        return [json.loads(event.as_json()) for event in found]

    async def _send(self, event: Event) -> Any:
        target = nostr_sdk.SendEventTarget.to(self._relays)
        output = await self._client.send_event(event, target)
        if output.failed:
            raise ConnectionError(str(output.failed))
        return json.loads(event.as_json())


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def main() -> None:
    nostr_sdk.uniffi_set_event_loop(asyncio.get_running_loop())
    hello = json.loads(await _line())
    somebody = Somebody(hello["secret"], hello["bot"], hello["relays"])
    await somebody.connect()
    listening = asyncio.create_task(somebody.listen())
    listening.add_done_callback(_give_up)
    if hello["inbox"]:
        await somebody.publish(10050, [["relay", url] for url in hello["inbox"]], "")
    _tell({"done": somebody.me})
    does: dict[str, Callable[..., Awaitable[Any]]] = {
        "say": somebody.say,
        "publish": somebody.publish,
        "fetch": somebody.fetch,
    }
    while line := await _line():
        asked = json.loads(line)
        try:
            _tell({"done": await does[asked.pop("do")](**asked)})
        except Exception as error:  # noqa: BLE001  whatever it is, the test is to see it
            _tell({"error": repr(error)})
    os._exit(0)


def _give_up(listening: asyncio.Task[None]) -> None:
    """What cannot be read ends the client at once, loudly."""
    if not listening.cancelled() and (error := listening.exception()) is not None:
        traceback.print_exception(error)
        sys.stderr.flush()
        os._exit(3)


async def _line() -> str:
    return await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(main())
