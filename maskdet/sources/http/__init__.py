"""Cameras over HTTP: motion JPEG and single images."""
