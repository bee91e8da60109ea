"""Recording of a network camera's own video, without encoding it again."""
