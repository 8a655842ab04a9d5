"""rushes.toml: tables, project, schema."""
