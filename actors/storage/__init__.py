"""A tenant on disk: one LMDB environment, its owner, its keyring. Nothing else here knows LMDB."""
