"""Reports of a run about itself: lines, progress bars, signs of life, the summary."""
