"""django-appointment as its own documentation sets it up, in an environment of its own.

Made by `make build/peer/.installed`. Nothing here is imported by the portal or the bench: it runs
as other processes. What is asked of it stands in bench/against.py.
"""
