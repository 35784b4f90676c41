"""What fits where: the packing core that every command shares. Pure; numpy is imported where arrays are."""
