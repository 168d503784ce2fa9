"""Append each answer to one transcript, as a str.

A str is copied to grow, so there is one large block that is a little larger after each run.

needs: nothing beside the standard library
Measured: 22 501 B a run alone, 22 214 in company.
"""

from collections import Counter

VERDICT = "leaking"
BYTES_PER_RUN = 22_500

chat = {"text": ""}
answer = "The quick brown fox jumps over the lazy dog. " * 500


def job():
    chat["text"] = chat["text"] + answer  # <- retained here
    Counter(answer.split())
