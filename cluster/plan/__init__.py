"""Decides, never acts: pure functions from what was observed to a list of actions."""
