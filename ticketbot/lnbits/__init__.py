"""LNbits over HTTP and WebSocket, within the number of requests a minute that it allows."""
