"""What Sphinx makes of each page, and what stands beside the pages."""
