"""What a tenant is made of: rules about products, prices and names, without any I/O."""
