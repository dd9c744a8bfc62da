"""The catalogue of a tenant: products, inventory, branches and fields, resolved and read."""
