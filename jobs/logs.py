import logging
import sys
import time


def to_stdout() -> None:
    """One plain line an event, in UTC."""
    format_ = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s %(message)s")
    format_.converter = time.gmtime
    format_.default_msec_format = "%s.%03d"
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(format_)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("apscheduler", "piccolo"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It warns of each try to reach a database that is away; who needs that one says so once.
    logging.getLogger("asyncpg").setLevel(logging.ERROR)
