"""Speed of the Huffman coder on symbols as quantized weights have them.

Run as `python benchmarks/huffman.py [--symbols 4000000]`.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from shiftloom.codegen.coding import huffman

LEVELS = {"3-bit": 1.2, "8-bit": 30.0}
"""Standard deviation of the weights, in steps, for codes of these widths."""


def main() -> None:
    """Print symbols a second, and how near the words come to the entropy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=4_000_000)
    count = parser.parse_args().symbols
    for name, deviation in LEVELS.items():
        top = 1 << int(name[0])
        drawn = np.random.default_rng(0).normal(top / 2, deviation, count)
        symbols = np.clip(np.rint(drawn), 0, top - 1).astype(np.uint16)
        seen = np.bincount(symbols)
        lengths = huffman.code_lengths(seen)
        start = time.perf_counter()
        data = huffman.encode(symbols, lengths)
        written = time.perf_counter()
        assert np.array_equal(huffman.decode(data, lengths, count), symbols)
        read = time.perf_counter()
        bits, entropy = 8 * len(data) / count, huffman.entropy_bits(seen) / count
        print(
            f"{name}: {count / (written - start) / 1e6:.1f} million symbols/s written, "
            f"{count / (read - written) / 1e6:.1f} million read; "
            f"{bits:.3f} bits each, entropy {entropy:.3f}"
        )


if __name__ == "__main__":
    main()
