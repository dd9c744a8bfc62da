"""How changes become entries of the log, and entries become state."""
