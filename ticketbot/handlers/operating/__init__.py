"""What only the bot's operators may ask, and do."""
