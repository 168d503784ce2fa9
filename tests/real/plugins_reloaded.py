"""Load a plugin from source under a new module name in each run, as hot reload does.

sys.modules keeps each module.

needs: nothing beside the standard library
Measured: 40 257 B a run alone, 40 197 in company.
"""

import itertools
import sys
import types

VERDICT = "leaking"
BYTES_PER_RUN = 40_300

versions = itertools.count()
source = "\n".join(f"def rule_{n}(order):\n    'Check rule {n}.'\n    return order.total > {n}\n" for n in range(25))
source += "TABLE = {number: str(number) for number in range(300)}\n"


def job():
    name = f"plugin_v{next(versions)}"
    module = types.ModuleType(name)
    exec(compile(source, f"<{name}>", "exec"), module.__dict__)  # <- retained here
    sys.modules[name] = module
