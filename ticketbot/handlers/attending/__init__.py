"""What anybody may ask who wants to attend."""
