"""Uninterruptible power supplies, asked of a NUT server (Network UPS Tools, upsd)."""
