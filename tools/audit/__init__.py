"""What `make audit` holds every page against: axe for accessibility, Lighthouse for the rest."""
