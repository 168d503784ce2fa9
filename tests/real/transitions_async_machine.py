"""Drive each order by a state machine of its own.

transitions 0.8.3 keeps the task of every trigger in a dictionary of the class AsyncMachine, and with it the machine.
Report: https://github.com/pytransitions/transitions/issues/475

needs: transitions
Measured: 42 820 B a run alone, 44 121 in company.
"""

from transitions.extensions.asyncio import AsyncMachine

VERDICT = "leaking"
BYTES_PER_RUN = 42_800

states = ["new", "paid", "sent"]
steps = [["pay", "new", "paid"], ["send", "paid", "sent"]]


class Order:
    def __init__(self):
        self.lines = [f"article {number}" for number in range(20)]


async def job():
    for _ in range(6):
        order = Order()
        AsyncMachine(order, states=states, transitions=steps, initial="new", auto_transitions=False)  # <- retained here
        await order.pay()
        await order.send()
