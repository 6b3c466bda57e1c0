"""Triggers: the sensors' waiting, in the triggerer."""
