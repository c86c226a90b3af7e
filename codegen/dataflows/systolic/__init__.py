"""The systolic dataflow: a tiled array with maps and weights in external memory."""
