"""The recipes that made the shipped models, as package data."""
