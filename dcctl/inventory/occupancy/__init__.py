"""What is held, free and usable on each node: which work holds which board, and what is left. Pure."""
