"""Send each request through one shared session, with a hook for its own answer.

The hook is added to the session, not to the request: all hooks of all requests stay.

needs: requests
Measured: 63 425 B a run alone, 62 852 in company.
"""

import requests

VERDICT = "leaking"
BYTES_PER_RUN = 63_400

session = requests.Session()


def job():
    for number in range(4):
        body = [{"line": line, "amount": line * number} for line in range(80)]  # <- retained here

        def log(answer, *args, body=body, **kwargs):
            return answer if body else None

        session.hooks["response"].append(log)
        session.prepare_request(requests.Request("POST", "http://localhost/orders", json=body))
