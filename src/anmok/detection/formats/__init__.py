"""The formats in which boxes are exchanged: Pascal VOC, COCO, YOLO; one module each, reading and writing. Light."""
