// What the harnesses share: how a run ends, and random numbers. Inside their namespace.

enum Outcome : std::int32_t {
  kDone, kDeadlock, kUnstable, kBadLast, kSurplus,
  kMasterUnstable, kBadBurst, kBoundary, kOutside, kBadWlast, kNoAnswer,
};

/// xorshift64*: seeded, fast, good enough to stall streams with.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull | 1u) {}

  std::uint32_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<std::uint32_t>((state_ * 0x2545F4914F6CDD1Dull) >> 32);
  }

  bool roll(std::uint32_t probability) { return probability != 0 && next() < probability; }

 private:
  std::uint64_t state_;
};
