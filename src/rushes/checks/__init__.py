"""Checks: one file each, all fed by one decode; ``registry`` finds and runs them."""
