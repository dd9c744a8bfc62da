"""One server, whichever tenants live there."""
