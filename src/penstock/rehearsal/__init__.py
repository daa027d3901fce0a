"""A deployment, rehearsed: it runs in an emulator, and what was seen there is put to the proof."""
