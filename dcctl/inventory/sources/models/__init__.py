"""Directories of models, by the bytes of their files: nothing is unpickled, imported, or loaded whole."""
