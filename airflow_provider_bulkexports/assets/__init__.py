"""Assets: their URIs, their events, their lineage."""
