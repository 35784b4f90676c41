"""Will this work fit, where, when, why not: reports and changes made of what the packing core decides."""
