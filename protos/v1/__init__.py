"""The public API, `saluhall.v1`."""
