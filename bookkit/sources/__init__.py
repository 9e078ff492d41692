"""What each page is made of: the chapters and solutions as this edition reads them."""
