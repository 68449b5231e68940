"""How fast ticketbot is, as ratios that hold on any machine: `make bench`, or

python -m benchmarks [--quick] [--only speed]
"""
