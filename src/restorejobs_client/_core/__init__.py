"""What every other room uses: errors, enums, text, tables and progress bars."""
