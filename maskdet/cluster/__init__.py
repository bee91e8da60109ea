"""Many machines: each runs the monitor for its cameras, Ray keeps them in touch."""

import os

# Ray reads these when it is imported. A wrong token is reported after so many seconds.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "3")
