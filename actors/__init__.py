"""One tenant, from bytes on disk up to its actor."""
