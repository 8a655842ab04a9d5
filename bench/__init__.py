"""Side-by-side measurements; results are JSON."""
