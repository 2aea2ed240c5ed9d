"""`python -m bench.peer.serve PORT`: one worker of a production server, this process become it."""

import os
import sys

os.execv(
    sys.executable,
    [
        sys.executable,
        "-m",
        "gunicorn",
        "bench.peer.site:application",
        "--workers=1",
        "--worker-class=gthread",
        "--threads=4",
        f"--bind=127.0.0.1:{sys.argv[1]}",
    ],
)
