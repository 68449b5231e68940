"""ticketbot sells and checks event tickets over Nostr and Lightning."""

__version__ = "0.1.0"
