"""Work is asked for a checkpoint in its own way, and what proves that it wrote one is waited for."""
