"""Who is let in: scans, who may scan, and whether a ticket is one."""
