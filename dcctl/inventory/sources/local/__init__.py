"""The machine that dcctl runs on."""
