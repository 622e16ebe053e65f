"""The channels that ship: e-mail and webhooks, plugins like everybody's (`server.channel`)."""
