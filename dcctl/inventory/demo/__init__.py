"""The embedded demo fleet: 128 nodes, 1,024 GPUs and 16 NPUs on two sites, the same on every run."""
