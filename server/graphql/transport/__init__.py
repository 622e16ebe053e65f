"""How requests come and answers leave: HTTP, WebSocket, server-sent events."""
