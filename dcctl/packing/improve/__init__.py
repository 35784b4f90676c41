"""Better than one pass: search with ejection, an exact solver, and the bound that both are measured by."""
