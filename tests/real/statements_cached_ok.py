"""Query by statements with the number written into the text, 12 new ones a run.

SQLAlchemy's cache of compiled statements grows to 750 entries in 62 runs and is pruned to 500 from then on.

needs: sqlalchemy
Measured: 23 443, 22 923, 22 416, 21 890, 21 381 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import itertools

import sqlalchemy as sa

VERDICT = "stable"
FILLS_BY_RUN = 65

engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
numbers = itertools.count()


def job():
    with engine.connect() as connection:
        for number in itertools.islice(numbers, 12):
            columns = [sa.literal_column(f"{number} + {index}").label(f"c{index}") for index in range(4)]
            connection.execute(sa.select(*columns).limit(1)).all()
