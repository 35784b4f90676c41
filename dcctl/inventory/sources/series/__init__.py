"""Meters whose readings a Prometheus keeps: power by an expression, energy by a counter."""
