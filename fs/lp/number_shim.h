/*
 * The C++ library's doubles behind C functions. Use fs/lp/number.h instead.
 */
#ifndef OTS_LP_NUMBER_SHIM_H
#define OTS_LP_NUMBER_SHIM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { OTS_NUMBER_SHIM_BYTES = 32 };

/* Write a finite value's shortest digits as `d.ddde+XX` and return the length. */
size_t ots_number_shim_print(double value, char text[OTS_NUMBER_SHIM_BYTES]);

/* Write the shortest digits of a value that is not whole, without an exponent: `0.00012`. */
size_t ots_number_shim_print_fixed(double value, char text[OTS_NUMBER_SHIM_BYTES]);

/* The double nearest to the decimal that fills `text`; what is out of range gives 0 or infinity. */
double ots_number_shim_parse(const char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
