"""`dcctl schedule` where it acts: plans carried out on a cluster, journalled, resumed and undone."""
