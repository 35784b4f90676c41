"""What checks know of Kubernetes, GPUs and pools, and what they derive from evidence. Pure."""
