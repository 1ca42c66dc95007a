/*
 * Locals that own say so: OTS_AUTO(f) runs f(&variable) when the variable's scope ends.
 */
#ifndef OTS_BASE_CLEANUP_H
#define OTS_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define OTS_AUTO(freep) __attribute__((cleanup(freep)))

/* Defines static inline void freep(type **), for OTS_AUTO. */
#define OTS_DEFINE_FREEP(type, free_function, freep)                                               \
    static inline void freep(type **value)                                                         \
    {                                                                                              \
        if (*value)                                                                                \
            free_function(*value);                                                                 \
    }

static inline void ots_free_bytesp(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

static inline void ots_close_fdp(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#endif
