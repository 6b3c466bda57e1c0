"""Triggers: waits of sensors and operators, and watchers, in the triggerer."""
