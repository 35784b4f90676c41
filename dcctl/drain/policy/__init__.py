"""What holds for work that is moved: rules of a file and annotations of pods, in one grammar. Pure."""
