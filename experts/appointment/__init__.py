"""委嘱: conditions, agreement, letters, acceptance (spec 002 §3(1)2)②)."""
