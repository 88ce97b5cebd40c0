"""Texts people agree to: each version kept as it was, and who agreed to which, when."""
