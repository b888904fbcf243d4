"""The gate: checks over the numbers of a report, for the exit status of a command in CI."""
