"""Tasks that wait for each other, on workers of unequal speed: the order, the worker and the time of each."""
