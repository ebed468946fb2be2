"""Schedules of attention over a key/value cache."""
