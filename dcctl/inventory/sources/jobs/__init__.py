"""Work that is asked for in files: dcctl's own form and Kubernetes manifests."""
