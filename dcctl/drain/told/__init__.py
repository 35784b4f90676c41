"""Plans, runs and returns in words, tables and pictures."""
