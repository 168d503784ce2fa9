"""A service for option and volatility data of the S&P 500 that lives under the profiler."""
