"""How far a picture lies from all classes of a bundle, and from where on the answer is "none of these". Light: NumPy.

registry        the scores by name, one interface
neighbours, mahalanobis, energy, probability    one score a file
rule            what a bundle stores: which score, its settings, its threshold
threshold       sets the threshold on calibration pictures, all of the known classes
"""
