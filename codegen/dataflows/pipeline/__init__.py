"""The pipeline dataflow: convolutions in transposed form, partial sums that move from tap to tap.

It shares the units, the composition and the scheduler of `streaming`.
"""
