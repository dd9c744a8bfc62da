"""The small compare-and-set store of where tenants live: `port` is what callers know of it."""
