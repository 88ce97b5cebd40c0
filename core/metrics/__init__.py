"""How the service stands: readings, their limits in one table, and who gets them (Prometheus, a page, a task)."""
