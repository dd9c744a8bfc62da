"""What processes of the platform say to each other and keep on disk."""
