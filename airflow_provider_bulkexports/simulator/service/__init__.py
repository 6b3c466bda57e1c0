"""The simulated service, without HTTP."""
