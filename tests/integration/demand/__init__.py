"""Data on demand over a real database."""
