"""What a person types. Thin modules: they declare options, call `app`, and return a Report."""
