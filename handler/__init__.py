"""All that knows a transport: the way in, the dispatcher, errors and telemetry."""

import gc
import os

# Loading modules makes some 100,000 objects, all of which stay. By default Python looks through them for garbage
# 150 times meanwhile and finds none, for a tenth of a cold start (make bench). A start stays below this limit; the
# garbage that may pile up until the next look is a few dozen MB at the most.
gc.set_threshold(200_000)

# pydantic searches all installed packages for plugins of its own; there are none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
