"""What a tenant learns from its visitors' events: counts of products and queries, and the shop's own figures."""
