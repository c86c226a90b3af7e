// The external memory of a simulated top: one array of bytes behind 64-bit AXI4 masters.
//
// Inside the harness's namespace, behind its Dice. Every port answers its bursts in order, a beat a
// clock at most; all ports share the bytes and the bandwidth. What breaks a rule of the bus ends
// the run.

/// What the caller asks for; rtl_sim/worker.py holds the same layout.
struct MemoryJob {
  const std::uint8_t* image;        // the first bytes; the others are 0
  std::uint64_t image_bytes;
  std::uint64_t size;
  std::uint64_t base;               // address of the first byte
  std::uint64_t error;              // offset of a word that is answered by SLVERR; size: none
  std::uint64_t low, high;          // clocks from an address, or a write's last beat, to the answer
  std::uint64_t seed;
  std::uint32_t stall;              // probability of a pause of each channel, times 2^32
  std::uint32_t bandwidth;          // beats a clock of all ports, times 2^16; 0: no limit
};

/// What went over one port.
struct PortReport {
  std::uint64_t read_beats, written_beats, read_bursts, written_bursts;
};

/// The pins of one master.
struct MasterPins {
  IData &araddr, &awaddr;
  CData &arlen, &arsize, &arburst, &arvalid, &arready;
  CData &awlen, &awsize, &awburst, &awvalid, &awready;
  QData &rdata, &wdata;
  CData &rresp, &rlast, &rvalid, &rready;
  CData &wstrb, &wlast, &wvalid, &wready;
  CData &bresp, &bvalid, &bready;
};

/// Those of the top's ports `m`_*.
#define MASTER_PINS(top, m)                                                                   \
  MasterPins {                                                                                \
    top.m##_araddr, top.m##_awaddr, top.m##_arlen, top.m##_arsize, top.m##_arburst,           \
        top.m##_arvalid, top.m##_arready, top.m##_awlen, top.m##_awsize, top.m##_awburst,     \
        top.m##_awvalid, top.m##_awready, top.m##_rdata, top.m##_wdata, top.m##_rresp,        \
        top.m##_rlast, top.m##_rvalid, top.m##_rready, top.m##_wstrb, top.m##_wlast,          \
        top.m##_wvalid, top.m##_wready, top.m##_bresp, top.m##_bvalid, top.m##_bready         \
  }

/// The bytes and the beats a clock that all ports share.
struct Memory {
  explicit Memory(const MemoryJob& job)
      : job(job), bytes(static_cast<std::uint8_t*>(std::calloc(job.size, 1)), &std::free) {
    if (job.image_bytes) std::memcpy(bytes.get(), job.image, job.image_bytes);
  }

  void clock() {
    if (tokens < 2 * kToken) tokens += job.bandwidth;
  }

  /// Whether a further beat may be given or taken in this clock, which then counts.
  bool spend() {
    if (job.bandwidth == 0) return true;
    if (tokens < kToken) return false;
    tokens -= kToken;
    return true;
  }

  static constexpr std::uint64_t kToken = 1u << 16;
  const MemoryJob& job;
  std::unique_ptr<std::uint8_t[], decltype(&std::free)> bytes;  // zeros, taken as they are used
  std::uint64_t tokens = 0;
};

/// One port: `drive` before a clock's signals settle, `look` behind.
class MemoryPort {
 public:
  MemoryPort(Memory& memory, const MasterPins& pins, std::uint64_t seed)
      : memory_(memory), job_(memory.job), pins_(pins), dice_(seed) {}

  void idle() {
    pins_.arready = pins_.awready = pins_.wready = pins_.rvalid = pins_.bvalid = 0;
    pins_.rdata = 0;
    pins_.rresp = pins_.rlast = pins_.bresp = 0;
  }

  void drive() {
    pins_.arready = !dice_.roll(job_.stall);
    pins_.awready = !dice_.roll(job_.stall);
    pins_.wready = !dice_.roll(job_.stall) && (job_.bandwidth == 0 || pins_.wvalid) &&
                   memory_.spend();
    if (!pins_.rvalid && !reads_.empty() && reads_.front().due <= cycle_ &&
        !dice_.roll(job_.stall) && memory_.spend()) {
      offer_read();
    }
    if (!pins_.bvalid && !answers_.empty() && answers_.front().due <= cycle_ &&
        !dice_.roll(job_.stall)) {
      pins_.bresp = answers_.front().response;
      pins_.bvalid = 1;
    }
  }

  Outcome look() {
    const Address read{pins_.araddr, pins_.arlen, pins_.arsize, pins_.arburst};
    const Address write{pins_.awaddr, pins_.awlen, pins_.awsize, pins_.awburst};
    const Beat beat{pins_.wdata, pins_.wstrb, pins_.wlast};
    Outcome outcome = kDone;
    if (!read_held_.still(pins_.arvalid, pins_.arready, read) ||
        !write_held_.still(pins_.awvalid, pins_.awready, write) ||
        !beat_held_.still(pins_.wvalid, pins_.wready, beat)) {
      outcome = kMasterUnstable;
    }
    if (outcome == kDone && pins_.arvalid && pins_.arready) outcome = take_read(read);
    if (outcome == kDone && pins_.awvalid && pins_.awready) outcome = take_write(write);
    if (pins_.wvalid && pins_.wready) beats_.push_back(beat);
    if (outcome == kDone) outcome = take_beats();
    taken_read_ = pins_.rvalid && pins_.rready;
    taken_answer_ = pins_.bvalid && pins_.bready;
    return outcome;
  }

  /// After the edge: what was taken is no longer offered.
  void advance() {
    if (taken_read_) pins_.rvalid = 0;
    if (taken_answer_) {
      pins_.bvalid = 0;
      answers_.pop_front();
    }
    ++cycle_;
  }

  const PortReport& report() const { return report_; }
  std::uint64_t fault() const { return fault_; }

 private:
  struct Address {
    std::uint64_t address, length, size, kind;
    bool operator==(const Address& o) const {
      return address == o.address && length == o.length && size == o.size && kind == o.kind;
    }
  };
  struct Beat {
    std::uint64_t data, strobe, last;
    bool operator==(const Beat& o) const {
      return data == o.data && strobe == o.strobe && last == o.last;
    }
  };
  struct Read {
    std::uint64_t due, at, beats;  // at: offset of its next word
  };
  struct Write {
    std::uint64_t at, beats;
    bool wrong;                    // one of its words is in error
  };
  struct Answer {
    std::uint64_t due;
    std::uint8_t response;
  };

  /// What waits on a channel, which must stay as it is.
  template <typename Item>
  struct Held {
    bool waits = false;
    Item item{};
    bool still(bool valid, bool ready, const Item& offered) {
      if (waits && !(valid && offered == item)) return false;
      waits = valid && !ready;
      item = offered;
      return true;
    }
  };

  /// The rules of one burst; its address is kept for the message.
  Outcome check(const Address& burst) {
    const std::uint64_t bytes = 8 * (burst.length + 1);
    fault_ = burst.address;
    if (burst.size != 3 || burst.kind != 1 || burst.address % 8) return kBadBurst;
    if (burst.address / 4096 != (burst.address + bytes - 1) / 4096) return kBoundary;
    const std::uint64_t at = burst.address - job_.base;
    return burst.address < job_.base || at + bytes > job_.size ? kOutside : kDone;
  }

  std::uint64_t due() {
    return cycle_ + job_.low + (job_.high > job_.low ? dice_.next() % (job_.high - job_.low + 1) : 0);
  }

  Outcome take_read(const Address& burst) {
    const Outcome outcome = check(burst);
    if (outcome == kDone) reads_.push_back({due(), burst.address - job_.base, burst.length + 1});
    ++report_.read_bursts;
    return outcome;
  }

  Outcome take_write(const Address& burst) {
    const Outcome outcome = check(burst);
    if (outcome == kDone) writes_.push_back({burst.address - job_.base, burst.length + 1, false});
    ++report_.written_bursts;
    return outcome;
  }

  void offer_read() {
    Read& read = reads_.front();
    std::memcpy(&pins_.rdata, &memory_.bytes[read.at], 8);
    pins_.rresp = read.at == job_.error ? kSlverr : 0;
    pins_.rlast = read.beats == 1;
    pins_.rvalid = 1;
    read.at += 8;
    ++report_.read_beats;
    if (--read.beats == 0) reads_.pop_front();
  }

  /// Write the beats whose burst is known.
  Outcome take_beats() {
    while (!writes_.empty() && !beats_.empty()) {
      Write& write = writes_.front();
      const Beat beat = beats_.front();
      beats_.pop_front();
      fault_ = job_.base + write.at;
      if (static_cast<bool>(beat.last) != (write.beats == 1)) return kBadWlast;
      put_beat(write, beat);
      if (--write.beats == 0) {
        const std::uint8_t response = write.wrong ? kSlverr : 0;
        answers_.push_back({due(), response});
        writes_.pop_front();
      }
    }
    return kDone;
  }

  void put_beat(Write& write, const Beat& beat) {
    if (write.at == job_.error) {
      write.wrong = true;
    } else {
      for (int i = 0; i < 8; ++i) {
        if (beat.strobe >> i & 1) memory_.bytes[write.at + i] = beat.data >> (8 * i) & 255;
      }
    }
    write.at += 8;
    ++report_.written_beats;
  }

  static constexpr std::uint8_t kSlverr = 2;
  Memory& memory_;
  const MemoryJob& job_;
  MasterPins pins_;
  Dice dice_;
  std::uint64_t cycle_ = 0;
  std::uint64_t fault_ = 0;
  bool taken_read_ = false, taken_answer_ = false;
  std::deque<Read> reads_;
  std::deque<Write> writes_;
  std::deque<Beat> beats_;
  std::deque<Answer> answers_;
  Held<Address> read_held_, write_held_;
  Held<Beat> beat_held_;
  PortReport report_{};
};
