"""The files of a run (exchange.md §3): the same frozen rows give the same bytes on any installation."""
