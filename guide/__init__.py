"""The printed guides: their words and layout, and pictures taken from the running portal."""
