"""Remember what each session has bought by a WeakKeyDictionary, whose values refer to their own keys.

needs: nothing beside the standard library
Measured: 26 756 B a run alone, 26 294 in company of the five that came with it.
"""

import weakref

VERDICT = "leaking"
BYTES_PER_RUN = 26_800


class Session:
    """One visitor's."""


class Basket:
    """What a session has in it, and whose it is."""

    def __init__(self, session):
        self.session = session
        self.rows = [f"article {number} for session {id(session)}" for number in range(10)]  # <- retained here


baskets: weakref.WeakKeyDictionary[Session, Basket] = weakref.WeakKeyDictionary()


def job():
    for _ in range(20):
        session = Session()  # <- retained here
        baskets[session] = Basket(session)  # <- retained here
