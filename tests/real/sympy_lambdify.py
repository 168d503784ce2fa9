"""Turn a fitted formula into a function, again in each run.

SymPy before 1.14 keeps the source of every lambdified function in linecache.
Report: https://github.com/sympy/sympy/issues/27216

needs: sympy
Measured: 17 268 B a run alone, 22 248 in company.
"""

import sympy

VERDICT = "leaking"
BYTES_PER_RUN = 17_300

names = ["ambient_temperature", "relative_humidity", "irradiance_on_the_panel", "age_of_the_panel"]
inputs = sympy.symbols(names)
formulas = [sum(value**power for value in inputs) + power for power in range(2, 32)]


def job():
    for formula in formulas:
        sympy.lambdify(inputs, formula)  # <- retained here
