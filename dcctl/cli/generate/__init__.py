"""Man pages and shell completions, generated from the command tree and committed."""
