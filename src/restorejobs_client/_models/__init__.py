"""Jobs, pages and requests: their members, their values and how they are read."""
