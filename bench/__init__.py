"""Speed, weight and memory as ratios and figures of one run: `make bench`. It judges nothing."""
