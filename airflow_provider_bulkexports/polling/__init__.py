"""What to wait for, and one shared poll for all waits of a process."""
