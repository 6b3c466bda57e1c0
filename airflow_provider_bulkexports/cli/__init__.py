"""The `bulkexports` command."""
