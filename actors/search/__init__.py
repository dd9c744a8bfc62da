"""Search in one branch: words, filters, facets, order and pages, all pure."""
