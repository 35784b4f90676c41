"""Power of machines, asked of their BMCs over IPMI with ipmitool."""
