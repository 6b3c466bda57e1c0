"""Operators that submit and delete export jobs."""
