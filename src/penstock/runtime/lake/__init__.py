"""What becomes of raw objects: sealing, the quarantine, and the proof that nothing was lost on the way."""
