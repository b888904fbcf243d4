"""The process that a training runs in: a script as `__main__`, its folder, its end, its signals."""
