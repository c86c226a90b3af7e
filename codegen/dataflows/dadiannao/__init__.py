"""The dadiannao dataflow: every neuron has its weights, words come out of a neuron buffer."""
