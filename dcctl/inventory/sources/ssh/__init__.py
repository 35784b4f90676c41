"""Nodes over SSH: one connection and one command each."""
