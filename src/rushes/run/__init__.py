"""Plans carried out by worker processes."""
