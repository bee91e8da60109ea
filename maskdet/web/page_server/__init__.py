"""The server of any page: its address, refusals, security, and proxies in front of it."""
