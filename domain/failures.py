import traceback
from pathlib import Path


def place_of(error: BaseException) -> str:
    """What failed and where, without the error's own words: they may be a patient's."""
    frames = traceback.extract_tb(error.__traceback__)
    way = " > ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames)
    return f"{type(error).__name__} at {way}"
