/*
 * The two checksums of the wire: CRC-8 of PlainBuffer, CRC-32C of put rows.
 */
#ifndef OTS_WIRE_CRC_H
#define OTS_WIRE_CRC_H

#include "backend/base/slice.h"

/* Polynomial 0x07, most significant bit first, no reflection, no final XOR. Starts with 0. */
uint8_t ots_crc8(uint8_t crc, const void *data, size_t size);

/* Castagnoli, reflected, initial value and final XOR 0xFFFFFFFF. */
uint32_t ots_crc32c(const void *data, size_t size);

#endif
