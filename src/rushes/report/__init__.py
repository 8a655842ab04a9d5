"""A finished build as files: manifest.json, junit.xml, and a page for people."""
