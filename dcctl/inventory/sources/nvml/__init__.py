"""NVIDIA's management library on this machine, in a child process with a deadline."""
