"""What readers get right on files longer than they can look at."""
