"""What a built site does without: unused rules, glyphs, scripts and requests."""
