"""TLS of one server: its own certificate authority, the certificates it issues, and gRPC
credentials from them.

`version` and `authority` and `files` know nothing of gRPC; import them before gRPC where the order
matters (see `version.require_tls13`).
"""
