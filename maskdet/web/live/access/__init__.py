"""Who may see and change what on the live page, and what is logged of it."""
