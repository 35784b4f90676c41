"""How an answer is shown. Only this package knows formats; only `cli` calls it."""
