"""Kubernetes as a backend: work behind a scheduling gate, each pod given its node and let go."""
