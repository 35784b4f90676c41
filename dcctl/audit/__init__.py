"""Audit: checks over evidence, what is new, what is waived, and what nobody could tell."""
