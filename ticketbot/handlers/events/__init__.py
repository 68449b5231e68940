"""Organizers' notes, and what follows from one: on sale, moved, called off."""
