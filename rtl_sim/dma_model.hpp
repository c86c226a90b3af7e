// A vendor's AXI DMA core in direct register mode, as far as its product guide (AMD PG021) says
// what software sees: a word of 8 bytes a clock each way between the board's memory and streams.
//
// Inside the harness's namespace, behind the memory.

/// One direction: its registers, and the transfer under way.
class DmaChannel {
 public:
  explicit DmaChannel(Memory& memory) : memory_(memory) {}

  /// A register, by its offset from the first one of the channel.
  std::uint32_t read(std::uint32_t offset) const {
    if (offset == kControl) return control_;
    if (offset == kStatus) return status();
    if (offset == kAddress) return static_cast<std::uint32_t>(address_);
    return offset == kLength ? length_ : 0;
  }

  void write(std::uint32_t offset, std::uint32_t word) {
    if (offset == kControl) {
      control_ = word & (kRun | kInterruptEnable);
      if (!running()) left_ = 0;
    } else if (offset == kStatus) {
      done_ = done_ && !(word & kInterrupt);
    } else if (offset == kAddress) {
      address_ = word;
    } else if (offset == kLength && running() && !error_) {
      start(word);
    }
  }

  void reset() { *this = DmaChannel(memory_); }

  bool active() const { return left_ > 0; }

 protected:
  static constexpr std::uint32_t kControl = 0x00, kStatus = 0x04, kAddress = 0x18, kLength = 0x28;
  static constexpr std::uint32_t kRun = 1, kInterruptEnable = 1u << 12, kInterrupt = 1u << 12;
  static constexpr std::uint32_t kHalted = 1, kIdle = 2, kInternalError = 16, kSlaveError = 32;
  static constexpr std::uint32_t kDecodeError = 64;

  DmaChannel& operator=(const DmaChannel& other) {
    control_ = other.control_, error_ = other.error_, length_ = other.length_;
    address_ = other.address_, at_ = other.at_, left_ = other.left_;
    done_ = other.done_, was_used_ = other.was_used_;
    return *this;
  }

  bool running() const { return control_ & kRun; }

  std::uint32_t status() const {
    const bool halted = !running() || error_;
    return (halted ? kHalted : 0) | (was_used_ && !active() ? kIdle : 0) | error_ |
           (done_ ? kInterrupt : 0);
  }

  void start(std::uint32_t bytes) {
    length_ = bytes;
    was_used_ = true;
    at_ = address_ - memory_.job.base;
    const bool inside = address_ >= memory_.job.base && at_ + bytes <= memory_.job.size;
    if (bytes == 0 || bytes % 8 || address_ % 8) {
      fail(kInternalError);
    } else if (!inside) {
      fail(kDecodeError);
    } else {
      left_ = bytes / 8;
    }
  }

  void fail(std::uint32_t error) {
    error_ = error;
    left_ = 0;
  }

  Memory& memory_;
  std::uint32_t control_ = 0, error_ = 0, length_ = 0;
  std::uint64_t address_ = 0, at_ = 0, left_ = 0;  // left: words
  bool done_ = false, was_used_ = false;
};

/// Memory to stream: TLAST is on the last word.
class DmaSend : public DmaChannel {
 public:
  using DmaChannel::DmaChannel;

  std::uint64_t word() const {
    std::uint64_t word;
    std::memcpy(&word, &memory_.bytes[at_], sizeof word);
    return word;
  }
  bool last() const { return left_ == 1; }

  void taken() {
    if (at_ == memory_.job.error) return fail(kSlaveError);
    at_ += 8;
    if (--left_ == 0) done_ = true;
  }
};

/// Stream to memory: TLAST ends a transfer, and what comes behind its length is an error.
class DmaReceive : public DmaChannel {
 public:
  using DmaChannel::DmaChannel;

  void take(std::uint64_t word, bool last) {
    if (at_ == memory_.job.error) return fail(kSlaveError);
    std::memcpy(&memory_.bytes[at_], &word, sizeof word);
    at_ += 8;
    --left_;
    if (last) {
      length_ -= static_cast<std::uint32_t>(8 * left_);
      left_ = 0;
      done_ = true;
    } else if (left_ == 0) {
      fail(kInternalError);
    }
  }
};

/// Both, as software sees them.
class Dma {
 public:
  explicit Dma(Memory& memory) : send(memory), receive(memory) {}

  std::uint32_t read(std::uint32_t offset) const {
    return offset < kReceive ? send.read(offset) : receive.read(offset - kReceive);
  }

  void write(std::uint32_t offset, std::uint32_t word) {
    const bool is_send = offset < kReceive;
    if ((offset == 0 || offset == kReceive) && (word & kReset)) {
      send.reset();
      receive.reset();
    } else {
      is_send ? send.write(offset, word) : receive.write(offset - kReceive, word);
    }
  }

  DmaSend send;
  DmaReceive receive;

 private:
  static constexpr std::uint32_t kReceive = 0x30, kReset = 4;
};
