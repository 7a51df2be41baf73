"""What tests share: servers, faults, and programs that are interrupted."""
