"""A backup is one sealed file: the database as it was at a moment, and the files it names."""
