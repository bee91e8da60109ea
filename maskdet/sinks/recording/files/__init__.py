"""Files of recordings: one after the other, made whole after a power cut, deleted in time."""
