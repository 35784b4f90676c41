"""What an audit sees of the demo fleet, one module per topic: a few faults, and the rest in order."""
