"""The demo: the example DAG run against the simulator, and shown while it runs."""
