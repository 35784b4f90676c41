"""What sources of power and energy share: secrets, many devices at once, and numbers that devices tell."""
