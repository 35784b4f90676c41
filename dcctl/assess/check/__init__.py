"""How right the estimates are: published cases and measured runs, recomputed and compared."""
