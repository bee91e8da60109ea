"""Sources of frames: webcams, streams, files, the demo clip."""
