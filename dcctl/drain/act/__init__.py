"""What `dcctl drain` does to the world."""
