"""Kubernetes manifests as they are: the pods that their controllers would make."""
