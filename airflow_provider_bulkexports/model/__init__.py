"""Twilio's resources, and data passed between processes."""
