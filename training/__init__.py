"""Recipes that train the embedded models."""
