"""Money that comes and goes: the rooms that move an order, a refund, a payout."""
