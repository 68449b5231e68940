"""Word to everybody who holds a ticket of an event, page by page, each of them once."""
