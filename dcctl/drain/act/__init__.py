"""`dcctl drain` where it acts: campaigns carried out on a cluster, journalled, resumed and undone."""
