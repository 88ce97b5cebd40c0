"""From a recommendation to a registered expert (spec 002 §3(1)2)①)."""
