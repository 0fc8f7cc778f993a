"""The generator networks, shared by the program and its trainer."""
