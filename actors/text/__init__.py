"""From text to terms, one chain for each language."""
