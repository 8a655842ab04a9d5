"""From a project and its lock to a frozen graph."""
