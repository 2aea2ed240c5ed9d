"""`portal check`: one finding a line, and for each that is not well, what to do."""
