"""Waits, and one poll for all of a process."""
