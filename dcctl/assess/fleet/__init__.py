"""What there is, what it is doing, what is idle and what runs out first."""
