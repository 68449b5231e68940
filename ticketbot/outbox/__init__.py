"""The outbox: nothing leaves but through here. Claim, do, mark done, or back off.

`claims` hands out what is due, `invoicer` asks the wallet for invoices, `courier` seals
and publishes messages, `herald` keeps the bot's own notes on the relays.
"""
