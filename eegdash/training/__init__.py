"""Training: data sets of windows, fitting, calibration, and the model card."""
