"""Scripts of the house: the size table, the schema, the golden outputs."""
