/*
 * protobuf-c messages with an arena's memory, so that no path has to free them.
 */
#ifndef OTS_WIRE_PROTO_H
#define OTS_WIRE_PROTO_H

#include "backend/base/arena.h"
#include "backend/base/buf.h"

#include <protobuf-c/protobuf-c.h>

/*
 * Decode `input`. `*message` (its type is the descriptor's) and all that it points to live in
 * `arena`; nothing borrows from `input`. `what` names the message for the error.
 * Errors: OTS_CORRUPT (not that message, a required field missing, so many small fields that
 * decoding them would take far more memory than any real message), OTS_NOMEM.
 */
enum ots_status ots_proto_unpack(const ProtobufCMessageDescriptor *descriptor,
                                 struct ots_slice input, struct ots_arena *arena, const char *what,
                                 const void **message, struct ots_error *err) OTS_MUST_CHECK;

/* Append the message. Errors: OTS_NOMEM. */
enum ots_status ots_proto_pack(const void *message, struct ots_buf *buf) OTS_MUST_CHECK;

/*
 * A message field by field, for what is too large to be copied once more by ots_proto_pack. Field
 * numbers are below 16. What is appended between begin and end are the field's bytes; end takes
 * what begin returned. Failures are remembered in `buf`.
 */
void ots_proto_int_append(struct ots_buf *buf, unsigned number, uint32_t value);
void ots_proto_bytes_append(struct ots_buf *buf, unsigned number, struct ots_slice bytes);
size_t ots_proto_bytes_begin(struct ots_buf *buf);
void ots_proto_bytes_end(struct ots_buf *buf, unsigned number, size_t start);

/* The same when reading: the next field, borrowed, for what is too large to be copied. */
struct ots_proto_field {
    uint64_t number;
    bool has_value; /* an integer field, else `bytes`; both are empty in fields of fixed size */
    uint64_t value;
    struct ots_slice bytes;
};

/* Take the next field off `*rest`, which is not empty. Errors: OTS_CORRUPT. */
enum ots_status ots_proto_field_take(struct ots_slice *rest,
                                     struct ots_proto_field *field) OTS_MUST_CHECK;

/*
 * `count` messages of `size` bytes, each started by `init`, and the array of pointers to them that
 * a repeated field wants. Cannot fail for no messages: then the array is NULL. Otherwise NULL
 * means no memory.
 */
void **ots_proto_array(struct ots_arena *arena, size_t count, size_t size,
                       const ProtobufCMessageDescriptor *descriptor);

/* Set an optional field. */
#define OTS_PROTO_SET(message, field, set_value)                                                   \
    ((message)->has_##field = true, (message)->field = (set_value))

static inline struct ots_slice ots_proto_slice(ProtobufCBinaryData bytes)
{
    return ots_slice(bytes.data, bytes.len);
}

/* For packing only: protobuf-c has no pointer to constant bytes, but leaves them alone. */
static inline ProtobufCBinaryData ots_proto_bytes(struct ots_slice slice)
{
    return (ProtobufCBinaryData){.len = slice.size, .data = (uint8_t *)(uintptr_t)slice.data};
}

#endif
