"""What to show a visitor next: pure functions over a tenant's own events, without a clock or a disk."""
