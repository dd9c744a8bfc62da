"""The `saluhall` command, one file for each noun."""
