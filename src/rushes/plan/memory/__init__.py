"""Will it fit, and how: the peak of every stage before anything is loaded."""
