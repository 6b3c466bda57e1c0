"""Twilio's nouns and the plain data that crosses processes."""
