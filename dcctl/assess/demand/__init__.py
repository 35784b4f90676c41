"""What large models need: memory, operations, network, storage and time, for training and for inference."""
