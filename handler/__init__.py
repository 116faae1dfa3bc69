"""All that knows a transport: the way in, the dispatcher, errors and telemetry."""
