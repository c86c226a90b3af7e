/// What every simulator reads of Verilator, and what takes longer than a small model: it is compiled
/// once, before the first one.
#include "verilated.h"
#include "verilated_dpi.h"
#include "verilated_vpi.h"
