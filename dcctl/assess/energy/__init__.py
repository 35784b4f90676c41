"""Where power goes, what energy costs and emits, and what would take less. Pure."""
