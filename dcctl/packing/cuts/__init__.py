"""MIG: which boards to cut into slices, and which to make whole again."""
