"""The catalogue: one module per topic, each check one function."""
