"""Speed, weight and memory as ratios and figures of one run, beside their aims: `make bench`."""
