"""Small jobs around released packages, with what is true of each; see README.md."""
