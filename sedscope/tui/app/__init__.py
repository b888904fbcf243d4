"""The viewer as a program: the screen around the tabs, its keys, its settings and its jobs."""
