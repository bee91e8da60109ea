"""ONNX and LiteRT detectors that other projects exported."""
