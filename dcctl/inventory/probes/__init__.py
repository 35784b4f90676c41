"""Stdlib-only scripts that are streamed to a node and leave nothing there; `rules` is used here too."""
