"""An AWS as bad as the real one: late, with gaps, busy, and strict where the emulator is not."""
