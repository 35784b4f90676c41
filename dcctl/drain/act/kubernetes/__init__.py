"""Kubernetes as a backend of `dcctl drain`: nodes cordoned by patch, pods evicted, one watch, one lease."""
