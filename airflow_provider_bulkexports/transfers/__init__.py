"""Transfers: day files into an object store."""
