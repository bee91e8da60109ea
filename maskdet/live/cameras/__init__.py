"""Cameras of a run that come, go, pause and start again while the others go on."""
