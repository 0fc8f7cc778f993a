"""The built-in world: a sunlit courtyard, rendered in stereo with true depth."""
