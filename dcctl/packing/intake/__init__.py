"""From a fleet and what is asked of it to a problem."""
