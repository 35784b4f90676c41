"""Shared core 1: what exists."""
