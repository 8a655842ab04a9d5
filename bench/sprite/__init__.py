"""Measurements of sprite."""
