"""One pass: every job to the best place there is, by a policy."""
