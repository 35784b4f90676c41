"""The parts of the Kubernetes source: authentication, paged lists, and pure readers of what they bring."""
