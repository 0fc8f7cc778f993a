"""How calm in time and how equal in both eyes a stylized world is, measured as a person would see it."""
