"""A year's day in small: everybody at once on a throw-away installation, behind the real proxy (make day)."""
