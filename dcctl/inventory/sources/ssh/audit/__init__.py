"""What nodes tell for an audit: the answer of the probe's parts, and what SSH servers show to anybody."""
