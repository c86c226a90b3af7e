"""What the engines share: operations, maps, step lists, programs and their interpreter."""
