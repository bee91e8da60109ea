"""The scripts that build the demo clip."""
