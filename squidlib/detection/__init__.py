"""Detection: a trained SQUID scores images; what is normal is known from held-out normal images alone."""
