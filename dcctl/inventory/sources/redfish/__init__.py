"""Power of machines, asked of their BMCs over Redfish."""
