"""What an operation must pass before it runs: limits, cost, rates, trust."""
