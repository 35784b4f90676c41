"""Whether a plan holds, by other code than what made it."""
