"""What it costs a triggerer to wait for jobs: this package next to other ways, on one server, in one run."""
