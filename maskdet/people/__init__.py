"""Following people in one source: who is who, how each wears the mask, who went where, how many.

Values in, values out: nothing here reads a clock, opens a file or draws.
"""
