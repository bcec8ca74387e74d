"""Bundle in, predictions out: NumPy, Pillow and ONNX Runtime only."""
