"""Policy: which models may be used and fit, what they cost, where a request would go."""
