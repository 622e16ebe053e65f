"""The edge: the only folder that knows Strawberry and Starlette."""
