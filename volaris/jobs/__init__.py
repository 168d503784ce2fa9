"""The jobs of the scheduler: from a market source through analytics to the store."""
