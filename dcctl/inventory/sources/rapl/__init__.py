"""Power of this machine's processors and memory: RAPL counters of the powercap tree."""
