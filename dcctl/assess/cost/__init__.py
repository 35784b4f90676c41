"""The cheapest mix of node types and sites that does all of the work, with proof."""
