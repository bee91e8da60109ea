"""One frame's way from a camera to the screen, the recording and the event log."""
