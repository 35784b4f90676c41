"""The work on the targets: what leaves, what stays, in which units, and what stands in the way."""
