"""Many servers acting as one: which processes there are to be, and where."""
