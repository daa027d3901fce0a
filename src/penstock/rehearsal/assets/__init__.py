"""What runs in the emulators' own environments: no module here may need more than the standard library and theirs."""
