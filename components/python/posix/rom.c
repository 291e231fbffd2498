// The standard library as read-only data: see wasi/src/rom.rs for its layout.

#include <stddef.h>

const unsigned char wasmsh_rom[] = {
#embed WASMSH_ROM
};

const size_t wasmsh_rom_size = sizeof wasmsh_rom;
