"""Objects by digest, results by key."""
