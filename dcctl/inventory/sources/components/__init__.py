"""How components of Kubernetes are configured: their command lines and files, as evidence."""
