"""Recommendations of one tenant: what its visitors' sessions, its counts and its catalogue say, put into lists."""
