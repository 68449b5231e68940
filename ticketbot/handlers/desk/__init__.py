"""The organizer's desk: what may be asked and done by whose event it is, and by nobody else."""
