"""Who may do what within a tenant."""
