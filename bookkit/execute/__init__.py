"""How chapters are executed, and what they record."""
