"""One file per system that knows something: `collect()` asks, a pure `parse()` reads."""
