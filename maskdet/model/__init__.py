"""A model as data: its card, decision rule, anchors, class names and label maps."""
