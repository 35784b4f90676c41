"""Who stands in the way, and who is pushed out for more urgent work."""
