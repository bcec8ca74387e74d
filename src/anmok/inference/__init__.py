"""Bundle in, predictions out: NumPy, Pillow and ONNX Runtime only."""

from anmok.inference.predictor import PictureAnswer, PixelAnswers, Predictor

__all__ = ["PictureAnswer", "PixelAnswers", "Predictor"]
