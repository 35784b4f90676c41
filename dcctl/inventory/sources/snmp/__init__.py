"""Rack power distribution units, asked over SNMP with net-snmp's programs."""
