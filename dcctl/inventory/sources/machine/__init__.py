"""What a machine says of itself, whoever asked it: raw facts, and their reading."""
