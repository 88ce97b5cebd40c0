"""Year-end renewal of all registrations (spec 002 §3(1)2)①)."""
