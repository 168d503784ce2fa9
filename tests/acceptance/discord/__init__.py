"""The commands in Discord, against a stand-in for Discord and the whole service with a real database."""
