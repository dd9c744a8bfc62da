"""What visitors do: checked, made anonymous or sealed, stored once, counted, kept as long as the tenant says."""
