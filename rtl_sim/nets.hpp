// Gives every net in Verilator's SAIF file a name that says how it was declared, and its number.
//
// A net has one number in a model, but a line for each module that it runs through. The letter
// tells them apart: I for an input of the module, N for what it drives, P for a parameter.
// This stands in front of the translated model, whose declarations go through these macros.

#include <cstdint>
#include <string>

#include "verilated_saif_c.h"

inline std::string net_name(std::uint32_t code, VerilatedTraceSigDirection direction,
                            VerilatedTraceSigKind kind) {
  const bool is_input = direction == VerilatedTraceSigDirection::INPUT;
  const bool is_parameter = kind == VerilatedTraceSigKind::PARAMETER;
  return (is_parameter ? "P" : is_input ? "I" : "N") + std::to_string(code);
}

#undef VL_TRACE_DECL_BIT
#undef VL_TRACE_DECL_BUS
#undef VL_TRACE_DECL_QUAD
#undef VL_TRACE_DECL_WIDE
#define VL_TRACE_DECL_BIT(tracep, code, fidx, name, dtype, dir, kind, type) \
  tracep->declBit(code, fidx, net_name(code, dir, kind).c_str())
#define VL_TRACE_DECL_BUS(tracep, code, fidx, name, dtype, dir, kind, type, msb, lsb) \
  tracep->declBus(code, fidx, net_name(code, dir, kind).c_str(), msb, lsb)
#define VL_TRACE_DECL_QUAD(tracep, code, fidx, name, dtype, dir, kind, type, msb, lsb) \
  tracep->declQuad(code, fidx, net_name(code, dir, kind).c_str(), msb, lsb)
#define VL_TRACE_DECL_WIDE(tracep, code, fidx, name, dtype, dir, kind, type, msb, lsb) \
  tracep->declWide(code, fidx, net_name(code, dir, kind).c_str(), msb, lsb)
