"""What sources of power and energy share: programs, many devices at once, and numbers that devices tell."""
