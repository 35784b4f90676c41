"""Files of `kind: Cost`: what can be bought, where, and what it is to do."""
