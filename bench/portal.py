"""The portal with the cheapest of passwords, so that signing in costs what it asks of the database:
`python -m bench.portal PORT`."""

import os
import sys

import uvicorn

from bench.network import CHEAP
from domain.accounts.passwords import Passwords
from domain.config import Settings
from web.app import create_app

if __name__ == "__main__":
    app = create_app(Settings.from_env(os.environ), passwords=Passwords(CHEAP))
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_config=None, server_header=False)
