"""What `_config.yml` says of the book and of a course with it."""
