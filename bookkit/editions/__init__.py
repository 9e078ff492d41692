"""What the book is besides its site: notebooks, the library's wheel, a tree for students."""
