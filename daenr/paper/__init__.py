"""What the paper printed, what its tables need, what it claims, and what our runs say about that."""
