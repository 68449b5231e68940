"""The JSON API, `/api/v1`: the same commands, handlers and outcomes as letters (docs/api.md)."""
