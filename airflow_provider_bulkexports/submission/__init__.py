"""Submit an export job once (start with ``submit.py``), and cancel it if asked to."""
