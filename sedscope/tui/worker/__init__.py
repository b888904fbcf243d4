"""The analysis process of the viewer: torch lives there, so that importing or running it never stalls the screen.

`jobs` says what can be asked, `events` what comes back and how both travel; `child` is the process, `client` its
owner on the viewer's side.
"""
