"""The index of one tenant: immutable segments of numpy arrays behind a port."""
