"""Run a listing page by page: windows, positions and checkpoints."""
