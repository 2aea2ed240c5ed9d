"""A file that is whole gets its name, and never another's."""

import os
from pathlib import Path


def give_name(unfinished: Path, path: Path) -> None:
    """Unlike a rename alone, over nothing that came meanwhile."""
    try:
        os.link(unfinished, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as CIFS and many in user space
        _reserve_and_rename(unfinished, path)


def _reserve_and_rename(unfinished: Path, path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        unfinished.replace(path)
    except OSError:
        path.unlink()
        raise
