"""Data: what training, calibration and evaluation ask of a data set, and every data set of the kit."""
