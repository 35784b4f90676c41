"""What an audit does to the world beside asking it: keys, pings, unit files."""
