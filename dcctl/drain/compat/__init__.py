"""What `kubectl drain` decides, and in which words it tells: for scripts that have relied on it. Pure.

Rules, flags and words are those of kubectl 1.36 (k8s.io/kubectl/pkg/drain and pkg/cmd/drain).
"""
