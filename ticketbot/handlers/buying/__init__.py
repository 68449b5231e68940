"""From a wish to held seats: what may be bought, what is asked before, whose turn it is."""
