"""The bot's HTTP rooms; `app.make_app` builds them over a `desk.Desk`."""
