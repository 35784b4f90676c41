"""Decisions of `dcctl assess`: what is there, who holds it, what it is doing, what runs out first."""
