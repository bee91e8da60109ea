"""Recordings as the settings ask for them, and the state of cameras' recorded streams."""
