"""What operators of the server can see: metrics, traces, and records of single operations; never values of clients."""
