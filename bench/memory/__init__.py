"""What a model takes of memory: traced without weights, predicted, and measured."""
