"""Weights as compressed files: sharing, sparse indices, canonical Huffman codes, the container."""
