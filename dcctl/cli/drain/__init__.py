"""`dcctl drain`: nodes come out of service without breaking a training run."""
