"""Metrics of detectors on annotated images, calibration and reports."""
