"""What an audit asks an API server: lists of objects, each read once and reduced to what checks need."""
