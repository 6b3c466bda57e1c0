"""Sensors that wait for exports."""
