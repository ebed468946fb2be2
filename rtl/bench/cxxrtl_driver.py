"""The case loop of the CXXRTL engine in C++: sources, sinks and records beside the compiled device.

The text is the same for every device; only `binding` differs, which says where the ports are.
"""

from __future__ import annotations

import re

from rtl.bench.transfers import Port

PRELUDE = "#define CXXRTL_NDEBUG 1  // a read beyond a memory gives zero, as in Verilog, and does not end the process\n"

LOOP = """
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

template <size_t Bits> uint32_t *bits(value<Bits> &port) { return port.data; }
template <size_t Bits> uint32_t *bits(wire<Bits> &port) { return port.curr.data; }

struct Port {
  uint32_t *valid, *ready, *payload;
  size_t chunks;
  std::vector<uint32_t> idle;  // a source drives this, all ones, while it does not offer
  std::vector<int64_t> cycles;
  std::vector<uint32_t> values;
  std::vector<uint32_t> held_value;
  bool held = false;

  Port(uint32_t *valid_, uint32_t *ready_, uint32_t *payload_, size_t width)
      : valid(valid_), ready(ready_), payload(payload_), chunks((width + 31) / 32), idle(chunks, ~0u),
        held_value(chunks) {
    if (width % 32) idle.back() = (1u << width % 32) - 1;
  }
  size_t bytes() const { return 4 * chunks; }
  void drive(const uint32_t *from) { if (chunks) std::memcpy(payload, from, bytes()); }
  bool same_as_held() const { return !chunks || !std::memcmp(payload, held_value.data(), bytes()); }
  void hold() { held = true; if (chunks) std::memcpy(held_value.data(), payload, bytes()); }
  void record(int64_t cycle) { cycles.push_back(cycle); values.insert(values.end(), payload, payload + chunks); }
  void clear() { cycles.clear(); values.clear(); held = false; }
};

struct Given {  // one case, as the caller lays it out
  const uint32_t *const *tokens;
  const int64_t *token_count;
  const uint8_t *const *offer;
  const int64_t *offer_count;
  const uint8_t *const *ready;
  const int64_t *ready_count;
  const int64_t *expect;
  int64_t limit, tail;
};

struct Found {
  int64_t cycles_run, finished, violations, port, cycle, kind;
};

struct Bench {
  Device device;
  std::vector<Port> sources, sinks;
  uint32_t *clock = nullptr, *reset = nullptr;
  Found found{};

  Bench() { bind(*this); }

  void low() { if (clock) *clock = 0; device.step(); }
  void high() { if (clock) { *clock = 1; device.step(); } }

  void start(int cycles) {
    for (Port &port : sources) { port.clear(); *port.valid = 0; port.drive(port.idle.data()); }
    for (Port &port : sinks) { port.clear(); *port.ready = 0; }
    if (reset) *reset = 1;
    for (int cycle = 0; cycle < cycles; cycle++) { low(); high(); }
    if (reset) *reset = 0;
  }

  void drive(const Given &given, int64_t cycle) {
    for (size_t p = 0; p < sources.size(); p++) {
      Port &port = sources[p];
      int64_t next = port.cycles.size();
      bool offers = *port.valid || cycle >= given.offer_count[p] || given.offer[p][cycle];
      if (*port.valid || next >= given.token_count[p] || !offers) continue;
      *port.valid = 1;
      port.drive(given.tokens[p] + next * port.chunks);
    }
    for (size_t p = 0; p < sinks.size(); p++)
      *sinks[p].ready = cycle >= given.ready_count[p] || given.ready[p][cycle];
  }

  void violation(size_t port, int64_t cycle, int kind) {
    if (!found.violations++) { found.port = port; found.cycle = cycle; found.kind = kind; }
  }

  // Number of transfers that were waited for; the mask of taken sources is acted on after the clock edge.
  int64_t observe(const Given &given, int64_t cycle, std::vector<char> &taken) {
    int64_t arrived = 0;
    for (size_t p = 0; p < sources.size(); p++) {
      taken[p] = *sources[p].valid && *sources[p].ready;
      if (taken[p]) { sources[p].cycles.push_back(cycle); arrived++; }
    }
    for (size_t p = 0; p < sinks.size(); p++) {
      Port &port = sinks[p];
      bool held = port.held;
      port.held = false;
      if (!*port.valid) {
        if (held) violation(p, cycle, 0);
        continue;
      }
      if (held && !port.same_as_held()) violation(p, cycle, 1);
      if (!*port.ready) { port.hold(); continue; }
      port.record(cycle);
      if ((int64_t)port.cycles.size() <= given.expect[p]) arrived++;
    }
    return arrived;
  }

  void run(const Given &given, int reset_cycles) {
    found = Found{};
    start(reset_cycles);
    int64_t missing = 0;
    for (size_t p = 0; p < sources.size(); p++) missing += given.token_count[p];
    for (size_t p = 0; p < sinks.size(); p++) missing += given.expect[p];
    found.finished = !missing;
    int64_t stop = missing ? given.limit : given.tail, cycle = 0;
    std::vector<char> taken(sources.size());
    for (; cycle < stop; cycle++) {
      drive(given, cycle);
      low();
      missing -= observe(given, cycle, taken);
      high();
      for (size_t p = 0; p < sources.size(); p++)
        if (taken[p]) { *sources[p].valid = 0; sources[p].drive(sources[p].idle.data()); }
      if (!missing && !found.finished) { found.finished = 1; stop = cycle + 1 + given.tail; }
    }
    found.cycles_run = cycle;
  }
};

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

API void *bench_open() { return new Bench; }
API void bench_close(void *bench) { delete static_cast<Bench *>(bench); }
API void bench_run(void *bench, const void *given, int reset_cycles, void *found) {
  Bench &self = *static_cast<Bench *>(bench);
  self.run(*static_cast<const Given *>(given), reset_cycles);
  *static_cast<Found *>(found) = self.found;
}
API int64_t bench_count(void *bench, int output, int64_t port) {
  Bench &self = *static_cast<Bench *>(bench);
  return (output ? self.sinks : self.sources)[port].cycles.size();
}
API void bench_get(void *bench, int output, int64_t p, int64_t *cycles, uint32_t *values) {
  Bench &self = *static_cast<Bench *>(bench);
  Port &port = (output ? self.sinks : self.sources)[p];
  std::memcpy(cycles, port.cycles.data(), 8 * port.cycles.size());
  if (output) std::memcpy(values, port.values.data(), 4 * port.values.size());
}
"""


def program(device: str, ports: tuple[Port, ...]) -> str:
    """One C++ text: the device as Yosys wrote it, where its ports are, and the loop."""
    top = re.findall(r"std::unique_ptr<(cxxrtl_design::\w+)>", device)
    if not top:
        raise RuntimeError("no top module in the C++ that Yosys wrote")
    # What a debugger would need is never called here, and is a quarter of the compile time.
    device = re.sub(r"^(void \w+::debug_(?:eval|info)\(.*\) \{\n)(?:.*\n)*?\}\n", r"\1}\n", device, flags=re.MULTILINE)
    head, marker, rest = LOOP.partition("struct Bench {")
    declared = f"struct Bench;\nvoid bind(Bench &);\nusing Device = {top[0]};\n\n"
    body, end, api = rest.partition("}  // namespace")
    return PRELUDE + device + head + declared + marker + body + binding(device, ports) + end + api


def binding(device: str, ports: tuple[Port, ...]) -> str:
    """The C++ function that finds each port in the device."""
    lines = []
    for port in ports:
        base = "bench.device." + mangled(f"{port.name}__")
        payload = f"bits({base}payload)" if port.width else "nullptr"
        vector = "sources" if port.direction == "in" else "sinks"
        pins = f"bits({base}valid), bits({base}ready), {payload}, {port.width}"
        lines.append(f"bench.{vector}.emplace_back({pins});")
    for member, pin in (("clock", "clk"), ("reset", "rst")):
        # A device without registers has neither of these.
        if re.search(rf"/\*input\*/ value<1> {mangled(pin)};", device):
            lines.append(f"bench.{member} = bits(bench.device.{mangled(pin)});")
    return "\nvoid bind(Bench &bench) {\n" + "".join(f"  {line}\n" for line in lines) + "}\n\n"


def mangled(name: str) -> str:
    """The member that CXXRTL makes of a port."""
    return "p_" + name.replace("_", "__")
