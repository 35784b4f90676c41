"""Where one item may stand: amounts, devices, labels, relations to others, quotas."""
