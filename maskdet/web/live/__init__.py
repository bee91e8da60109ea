"""The live page: cameras, people, alarms and clips of a running monitor, in a browser."""
