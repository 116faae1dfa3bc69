"""Issue a token of the platform's own: `python -m handler.token USER`, in the function's environment.

For programs and bots that have no account in the user pool. Whoever may read the secret of the key may do this.
"""

from __future__ import annotations

import argparse
import sys

from handler.app import platform
from services.tokens import bearer_of

SCOPES = ("user", "admin")
_LONGEST_HOURS = 24 * 365


def main() -> int:
    """Print the token. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m handler.token", description=__doc__)
    parser.add_argument("user", help="the user whom the token stands for")
    parser.add_argument("--hours", type=int, default=12, help="how long it is valid")
    parser.add_argument(
        "--scope", action="append", choices=SCOPES, default=[], help="may act for others, too"
    )
    given = parser.parse_args()
    if not 0 < given.hours <= _LONGEST_HOURS:
        parser.error(f"--hours is from 1 to {_LONGEST_HOURS}")
    services = platform()
    if not services.settings.token_secret_arn:
        print("token: the environment has no TOKEN_SECRET_ARN", file=sys.stderr)
        return 1
    bearer = bearer_of(given.user, given.scope)
    print(services.tokens.issue(bearer.user_id, given.hours * 3600, sorted(bearer.scopes)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
