"""Waits, and the poller they share in a process."""
