"""Questions about a plan: why not, what cures it, what if, how to make room."""
