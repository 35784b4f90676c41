"""A Kubernetes cluster, from raw paged lists."""
