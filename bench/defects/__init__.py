"""Planted defects: what the checks find, at which strength, and what they refuse without cause."""
