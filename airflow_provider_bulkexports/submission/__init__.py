"""Submit an export job once, and cancel it if asked to."""
