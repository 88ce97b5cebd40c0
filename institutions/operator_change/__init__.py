"""Change of a よろず's operator as one guided task (spec 002 §6)①, requirement B3): docs/rosters.md."""
