"""From annotated pictures to a model folder with its measured figures."""
