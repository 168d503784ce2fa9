"""One PostgreSQL for the whole run, and a database of its own for each test that asks for one."""
