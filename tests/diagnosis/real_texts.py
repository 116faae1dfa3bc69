"""What servers and ECS have said when they ended, as people showed it in public, and the cause that it tells of.

Where each is from is in docs/sources.md, Why servers end. Names and addresses of people are left out.
"""

from __future__ import annotations

from typing import NamedTuple

from actions.instances.known_causes import Cause


class Text(NamedTuple):
    """A text, the cause it stands for, and where somebody showed it."""

    cause: Cause
    source: str
    log: str = ""
    said: str = ""
    codes: dict[str, int] = {}  # noqa: RUF012 - a NamedTuple's default, never changed
    late: bool = False


TEXTS = (
    Text(
        Cause.OUT_OF_MEMORY,
        "aws/amazon-ecs-agent#1187",
        said="OutOfMemoryError: Container killed due to memory usage",
        codes={"foundry": 137},
    ),
    Text(
        Cause.HEAP_FULL,
        "felddy/foundryvtt-docker#244",
        log="<--- Last few GCs -->\n"
        "[71:0x7f20b4191320]   578640 ms: Mark-sweep (reduce) 415.4 (420.5) -> 415.4 (421.2) MB, 469.9 / 0.0 ms\n"
        "<--- JS stacktrace --->\n"
        "FATAL ERROR: CALL_AND_RETRY_LAST Allocation failed - JavaScript heap out of memory\n"
        "Aborted (core dumped)",
        codes={"foundry": 134},
    ),
    Text(
        Cause.HEAP_FULL,
        "felddy/foundryvtt-docker#257",
        log="FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of"
        " memory\n"
        "Aborted (core dumped)",
    ),
    Text(
        Cause.TOO_MANY_LOGINS,
        "felddy/foundryvtt-docker#753",
        log="Authenticate | 2023-08-09 14:45:16 | [info] Successfully logged in as: redacted\n"
        "Entrypoint | 2023-08-09 14:45:16 | [info] Using authenticated credentials to download release.\n"
        "hReleaseURL | 2023-08-09 14:45:16 | [info] Fetching S3 pre-signed release URL for build 303...\n"
        "_ReleaseURL | 2023-08-09 14:45:17 | [warn] Unexpected response 429: Too Many Requests",
    ),
    Text(
        Cause.TOO_MANY_LOGINS,
        "felddy/foundryvtt-docker#1231",
        log="ReleaseURL | 2025-06-05 22:33:36 | [warn] Unexpected response 429: Too Many Requests\n"
        "file:///home/node/get_release_url.js:80\n"
        "    throw new Error(`Failed to fetch release URL.`);\n"
        "Error: Failed to fetch release URL.\n"
        "    at fetchReleaseURL (file:///home/node/get_release_url.js:80:11)\n"
        "Node.js v22.16.0",
    ),
    Text(
        Cause.BAD_LOGIN,
        "felddy/foundryvtt-docker#868",
        log="Entrypoint | 2024-01-05 14:45:37 | [info] Using FOUNDRY_USERNAME and FOUNDRY_PASSWORD to"
        " authenticate.\n"
        "Authenticate | 2024-01-05 14:45:37 | [info] Requesting CSRF tokens from https://foundryvtt.com\n"
        "Authenticate | 2024-01-05 14:45:38 | [info] Logging in as: redacted\n"
        "Authenticate | 2024-01-05 14:45:39 | [error] Unable to log in as redacted, verify your credentials...",
    ),
    Text(
        Cause.NO_LICENSE_OWNED,
        "felddy/foundryvtt-docker#448",
        log="License | 2022-09-21 14:01:12 | [error] Could not find any license keys associated with account"
        " redacted",
    ),
    Text(
        Cause.NO_LICENSE,
        "actions/instances/container.sh",
        log="There is no licence key.",
        codes={"prepare": 78},
    ),
    Text(
        Cause.NOT_SIGNED,
        "felddy/foundryvtt-docker#1415",
        log="FoundryVTT | 2026-05-01 13:16:20 | [error] Software license verification failed. Please confirm your"
        " Foundry Virtual Tabletop software license\n"
        "FoundryVTT | 2026-05-01 13:16:20 | [info] Server started and listening on port 30000",
        late=True,
    ),
    Text(
        Cause.LOCKED,
        "felddy/foundryvtt-docker#1143",
        log='FoundryVTT | 2025-01-24 00:35:23 | [info] User Data Directory - "/data"\n'
        "FoundryVTT | 2025-01-24 00:35:23 | [error] A fatal error occurred while trying to start the Foundry"
        " Virtual Tabletop server: Foundry VTT cannot start in this directory which is already locked by"
        " another process.",
    ),
    Text(
        Cause.LOCKED,
        "felddy/foundryvtt-docker#697",
        log='{"code":"ECOMPROMISED","errno":-2,"level":"error","message":"ENOENT: no such file or directory, stat'
        ' \'/data/Config/options.json.lock\'","path":"/data/Config/options.json.lock"}',
    ),
    Text(
        Cause.LOCKED,
        "felddy/foundryvtt-docker#92",
        log="FoundryVTT | 2020-10-22 11:18:37 | [info] Server started and listening on port 30000\n"
        "FoundryVTT | 2020-10-22 11:18:42 | [error] Unable to update lock within the stale threshold\n"
        "Error: Unable to update lock within the stale threshold",
    ),
    Text(
        Cause.DISK_FULL,
        "foundryvtt/foundryvtt#10859",
        log="FoundryVTT | 2024-05-07 11:02:17 | [info] createBackup archive progress - 30%\n"
        "FoundryVTT | 2024-05-07 11:02:18 | [error] ENOSPC: no space left on device, write\n"
        "Error: ENOSPC: no space left on device, write",
    ),
    Text(
        Cause.PORT_TAKEN,
        "Dragory/modmailbot#574",
        log="Error: listen EADDRINUSE: address already in use :::8890",
    ),
    Text(
        Cause.INCOMPATIBLE,
        "foundryvtt/dnd5e#5731",
        log="FoundryVTT | 2025-05-28 19:22:44 | [error] An error occurred during the migration of Item record"
        ' [fCUZ7h8YYrs16UhX] of database "dnd5e.items":\n'
        "Error: Documents from a core version newer than the running version cannot be migrated",
    ),
    Text(
        Cause.INCOMPATIBLE,
        "foundryvtt/dnd5e#7491",
        log="Error starting Foundry: FVTT failed to launch world: The requested package par-dela-le-carnaval-de-"
        "sorcelume is not available for use! Make sure your core software and game system are fully updated.",
    ),
    Text(
        Cause.WORLD_FAILED,
        "foundryvtt/foundryvtt#9979",
        log="World launch failed: Actor [exBnueQsZ8KrrDGP] validation errors: name: may not be undefined. See the"
        " console (F12) for more details.",
    ),
    Text(
        Cause.WORLD_FAILED,
        "foundryvtt/foundryvtt#13225",
        log="TypeError: Cannot read properties of null (reading 'folder')\n"
        "    at Array.find (<anonymous>)\n"
        "    at async World.updateActivePacks (file:///home/ubuntu/foundry/resources/app/dist/packages/world.mjs:1:55)\n"
        "    at async World.setup (file:///home/ubuntu/foundry/resources/app/dist/packages/world.mjs:1:10637)",
        codes={"foundry": 1},
    ),
    Text(
        Cause.CORRUPTED,
        "kandashi/Active-Auras#288",
        log='Failed to connect to database "ActiveAuras.Active Auras Auras": Database is not open',
    ),
    Text(
        Cause.CORRUPTED,
        "Level/levelup#214",
        log="OpenError: Corruption: 17 missing files; e.g.: /home/redacted/.npmd/005714.sst",
    ),
    Text(
        Cause.CORRUPTED,
        "death-save/combat-utility-belt#510",
        log="Error: More than 10% of the data file is corrupt, the wrong beforeDeserialization hook may be used."
        " Cautiously refusing to start NeDB to prevent dataloss",
    ),
    Text(
        Cause.NO_PERMISSION,
        "mikysan/simple-fvtt-dockerfile#6",
        log="FoundryVTT | 2023-12-31 15:28:08 | [error] A fatal error occurred while trying to start the Foundry"
        " Virtual Tabletop server: \n"
        "You do not have permission to create content in /home/foundry/data: EACCES: permission denied, open"
        " '/home/foundry/data/.permission-test.txt'",
    ),
    Text(
        Cause.NO_PERMISSION,
        "felddy/foundryvtt-docker#1167",
        log="FoundryVTT | 2025-02-16 13:19:00 | [error] A fatal error occurred while trying to start the Foundry"
        " Virtual Tabletop server: EPERM: operation not permitted, utime '/data/Config/options.json.lock'",
    ),
    Text(
        Cause.NO_PERMISSION,
        "felddy/foundryvtt-docker#993",
        log="./launcher.sh: line 34: can't create /data/Config/options.json: Permission denied",
    ),
    Text(
        Cause.SITE_UNREACHABLE,
        "felddy/foundryvtt-docker#424",
        log="Authenticate | 2022-09-01 08:20:02 | [error] Unable to authenticate: request to https://foundryvtt.com/"
        " failed, reason: read ECONNRESET",
    ),
    Text(
        Cause.SITE_UNREACHABLE,
        "felddy/foundryvtt-docker#240",
        log="Unable to authenticate: request to https://foundryvtt.com/ failed, reason: getaddrinfo EAI_AGAIN"
        " foundryvtt.com",
    ),
    Text(
        Cause.NOT_DOWNLOADED,
        "felddy/foundryvtt-docker#539",
        log="unzip: short read",
    ),
    Text(
        Cause.NOT_DOWNLOADED,
        "felddy/foundryvtt-docker, src/entrypoint.sh",
        log="Entrypoint | 2024-10-21 14:38:48 | [error] Unable to install Foundry Virtual Tabletop!",
    ),
    Text(
        Cause.NOT_FETCHED,
        "actions/instances/container.sh",
        log="foundryvtt-13.351.zip was not fetched within 600 s.",
        codes={"prepare": 69},
    ),
    Text(
        Cause.RESTORING,
        "actions/instances/container.sh",
        log="The files are being put back.",
        codes={"prepare": 70},
    ),
    Text(
        Cause.CRASHED,
        "felddy/foundryvtt-docker#697",
        said="Essential container in task exited",
        codes={"foundry": 139},
    ),
    Text(
        Cause.WRONG_TAG,
        "aws/containers-roadmap#2687",
        said="CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref"
        " 12345678-eu-west-1.amazonaws.com/example-service:example-image:image-tag@sha256:sha digest: not found",
    ),
    Text(
        Cause.WRONG_TAG,
        "CircleCI-Public/circleci-demo-aws-ecs-ecr#4",
        said="CannotPullContainerError: Error response from daemon: manifest for"
        " nginx:0f6b3cdf5e24f0da3dd932acd84fd90e9786a522 not found",
    ),
    Text(
        Cause.PULLED_TOO_OFTEN,
        "apptension/saas-boilerplate#204",
        said="CannotPullContainerError: failed to copy: httpReadSeeker: failed open: unexpected status code"
        " https://registry-1.docker.io/v2/cypress/included/manifests/sha256:86e3bff9634b: 429 Too Many Requests -"
        " Server message: toomanyrequests: You have reached your pull rate limit.",
    ),
    Text(
        Cause.NO_IMAGE,
        "aws/aws-cdk#14457",
        said="CannotPullContainerError: inspect image has been retried 1 time(s): failed to resolve ref"
        ' "xxxxx.xxx":'
        " unexpected status code [manifests 6981141]: 403 Forbidden",
    ),
    Text(
        Cause.NO_SECRETS,
        "Releem/releem-agent#195",
        said="ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval"
        " failed: unable to retrieve secret from asm: service call has been retried 5 time(s): failed to fetch"
        " secret arn:aws:secretsmanager:us-west-2:*:secret:DBPasswordSecret-* from secrets manager:"
        " RequestCanceled",
    ),
    Text(
        Cause.NO_FILES,
        "docker-archive/compose-cli#1490",
        said="ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr:"
        " mount.nfs4: Connection reset by peer : unsuccessful EFS utils command execution; code: 32",
    ),
    Text(
        Cause.NOT_INITIALISED,
        "Amazon ECS, Stopped tasks error codes",
        said="ResourceInitializationError: failed to initialize logging driver: <reason>",
    ),
    Text(
        Cause.NO_MACHINE,
        "sil-org/ecs-deploy#277",
        said="Capacity is unavailable at this time. Please try again later or in a different availability zone",
    ),
)
