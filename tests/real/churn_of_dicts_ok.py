"""Sort and join 8 000 small dictionaries, all dropped at the end.

needs: nothing beside the standard library
Measured: 11, 11, 12, 12, 12 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

VERDICT = "stable"
FILLS_BY_RUN = 0


def job():
    orders = [{"number": number, "customer": number % 97, "total": number * 1.5} for number in range(8_000)]
    customers = {number: {"number": number, "orders": []} for number in range(97)}
    for order in sorted(orders, key=lambda order: -order["total"]):
        customers[order["customer"]]["orders"].append((order["number"], order["total"]))
