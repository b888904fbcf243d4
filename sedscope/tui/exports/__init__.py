"""Taking away what is on the screen: pictures as files, values as text, the report and the command that gives it."""
