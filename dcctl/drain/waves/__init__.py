"""Which nodes are taken together, when, and what that costs."""
