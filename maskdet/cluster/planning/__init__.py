"""Which machine runs which camera, decided from values alone, and the table of all of them."""
