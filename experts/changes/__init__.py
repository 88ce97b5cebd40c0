"""Changes of an expert's data: asked for by the expert, checked by one person, made by another."""
