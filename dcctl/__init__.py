"""One command line for the whole AI data centre."""

__version__ = "0.1.0"
