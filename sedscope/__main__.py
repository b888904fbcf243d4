"""`python -m sedscope` is the `sedscope` command."""

from sedscope.cli.main import main

main()
