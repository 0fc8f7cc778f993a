"""`python -m artem_vr` is the same as `artem-vr`."""

from artem_vr.cli import main

if __name__ == "__main__":
    main()
