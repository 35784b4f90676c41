"""Figures of energy that people write down: a YAML file of `kind: Energy`."""
