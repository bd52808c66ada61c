"""Utilities: errors, files, signals, progress, figures, several processes. They know nothing of SQUID."""
