"""`python -m annexa` is the command `annexa`."""

from annexa.cli import main

main()
