"""What `make audit` looks for: each part is a module whose `main` answers what it found."""
