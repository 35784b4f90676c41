"""Files of tasks that wait for each other: `kind: Dag`."""
