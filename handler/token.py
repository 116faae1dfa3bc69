"""Issue a token of the platform's own: `python -m handler.token USER`, in the function's environment.

For programs and bots that have no account in the user pool. Whoever may read the secret of the key may do this.
"""

from __future__ import annotations

import argparse
import sys

from handler.app import platform
from services import ids
from services.registry import LONGEST_TOKEN_SECONDS
from services.tokens import bearer_of

SCOPES = ("user", "admin")
_LONGEST_HOURS = LONGEST_TOKEN_SECONDS // 3600


def main() -> int:
    """Print the token, and its id beside it. Returns the exit code."""
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
    token_id, seconds = ids.new_run_id(), given.hours * 3600
    print(f"token: admin-revoke-token takes it back by its id {token_id}", file=sys.stderr)
    print(services.tokens.issue(given.user, seconds, sorted(bearer.scopes), token_id))
    return 0


if __name__ == "__main__":
    sys.exit(main())
