#include "backend/wire/proto.h"

#include <assert.h>

/*
 * protobuf-c takes up to 52 bytes for each byte of a message of nothing but tiny fields. What a put
 * or a page can need fits in the first of these; large values need little more than themselves.
 */
enum { MEMORY_BYTES_FREE = 128 * 1024 * 1024, MEMORY_PER_BYTE = 4 };

struct memory {
    struct ots_arena *arena;
    size_t bytes_left;
    bool has_failed;
    bool is_too_much;
};

static void *allocate(void *context, size_t size)
{
    struct memory *memory = context;
    if (size > memory->bytes_left) {
        memory->is_too_much = true;
        return NULL;
    }
    memory->bytes_left -= size;
    void *data = ots_arena_alloc(memory->arena, size);
    if (!data)
        memory->has_failed = true;
    return data;
}

/* The arena frees everything at once. */
static void leave(void *context, void *data)
{
    (void)context;
    (void)data;
}

enum ots_status ots_proto_unpack(const ProtobufCMessageDescriptor *descriptor,
                                 struct ots_slice input, struct ots_arena *arena, const char *what,
                                 const void **message, struct ots_error *err)
{
    struct memory memory = {
        .arena = arena,
        .bytes_left = MEMORY_BYTES_FREE + input.size * MEMORY_PER_BYTE,
    };
    ProtobufCAllocator allocator = {.alloc = allocate, .free = leave, .allocator_data = &memory};
    /* No bytes are a message without fields, but protobuf-c wants a pointer all the same. */
    const uint8_t *data = input.data ? input.data : (const uint8_t *)"";
    ProtobufCMessage *unpacked =
        protobuf_c_message_unpack(descriptor, &allocator, input.size, data);
    if (!unpacked && memory.has_failed)
        return ots_error_set(err, OTS_NOMEM, "no memory to decode %s", what);
    if (!unpacked && memory.is_too_much)
        return ots_error_set(err, OTS_CORRUPT, "a %s of too many small fields", what);
    if (!unpacked)
        return ots_error_set(err, OTS_CORRUPT, "malformed %s", what);
    *message = unpacked;
    return OTS_OK;
}

enum ots_status ots_proto_pack(const void *message, struct ots_buf *buf)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *to = ots_buf_reserve(buf, size);
    if (!to)
        return OTS_NOMEM;
    ots_buf_advance(buf, protobuf_c_message_pack(message, to));
    return OTS_OK;
}

enum {
    WIRE_VARINT = 0,
    WIRE_FIXED_8 = 1,
    WIRE_BYTES = 2,
    WIRE_FIXED_4 = 5,
    VARINT_BYTES_MAX = 10,
    FIELDS_MAX = 16,      /* whose tags are one byte */
    SIZE_BYTES_USUAL = 3, /* of a large field's size: 16 KiB to 2 MiB */
};

static size_t varint_size(uint64_t value)
{
    size_t size = 1;
    while (value >>= 7)
        size++;
    return size;
}

static void put_varint(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to = (uint8_t)value;
}

static void head_append(struct ots_buf *buf, unsigned number, unsigned type, uint64_t value)
{
    size_t size = 1 + varint_size(value);
    assert(number > 0 && number < FIELDS_MAX);
    uint8_t *to = ots_buf_reserve(buf, size);
    if (!to)
        return;
    *to = (uint8_t)(number << 3 | type);
    put_varint(to + 1, value);
    ots_buf_advance(buf, size);
}

void ots_proto_int_append(struct ots_buf *buf, unsigned number, uint32_t value)
{
    head_append(buf, number, WIRE_VARINT, value);
}

void ots_proto_bytes_append(struct ots_buf *buf, unsigned number, struct ots_slice bytes)
{
    head_append(buf, number, WIRE_BYTES, bytes.size);
    ots_buf_append_slice(buf, bytes);
}

size_t ots_proto_bytes_begin(struct ots_buf *buf)
{
    size_t start = buf->size;
    if (ots_buf_reserve(buf, 1 + SIZE_BYTES_USUAL))
        ots_buf_advance(buf, 1 + SIZE_BYTES_USUAL);
    return start;
}

/* The head gets its place last, so the bytes move when it has not the usual size. */
void ots_proto_bytes_end(struct ots_buf *buf, unsigned number, size_t start)
{
    if (ots_buf_status(buf) != OTS_OK)
        return;
    size_t size = buf->size - start - 1 - SIZE_BYTES_USUAL;
    size_t head = 1 + varint_size(size);
    if (!ots_buf_reserve(buf, head))
        return;
    if (head != 1 + SIZE_BYTES_USUAL)
        memmove(buf->data + start + head, buf->data + start + 1 + SIZE_BYTES_USUAL, size);
    buf->size = start;
    head_append(buf, number, WIRE_BYTES, size);
    ots_buf_advance(buf, size);
}

static bool take_varint(struct ots_slice *rest, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < rest->size && i < VARINT_BYTES_MAX; i++) {
        uint8_t byte = rest->data[i];
        *value |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte & 0x80)
            continue;
        *rest = ots_slice(rest->data + i + 1, rest->size - i - 1);
        return true;
    }
    return false;
}

static bool take_bytes(struct ots_slice *rest, uint64_t size, struct ots_slice *bytes)
{
    if (size > rest->size)
        return false;
    *bytes = ots_slice(rest->data, size);
    *rest = ots_slice(rest->data + size, rest->size - size);
    return true;
}

enum ots_status ots_proto_field_take(struct ots_slice *rest, struct ots_proto_field *field)
{
    uint64_t tag;
    uint64_t size;
    struct ots_slice skipped;
    bool is_good = false;
    *field = (struct ots_proto_field){.bytes = OTS_SLICE_NONE};
    if (!take_varint(rest, &tag))
        return OTS_CORRUPT;
    field->number = tag >> 3;
    switch (tag & 7) {
    case WIRE_VARINT:
        is_good = field->has_value = take_varint(rest, &field->value);
        break;
    case WIRE_BYTES:
        is_good = take_varint(rest, &size) && take_bytes(rest, size, &field->bytes);
        break;
    case WIRE_FIXED_8:
        is_good = take_bytes(rest, 8, &skipped);
        break;
    case WIRE_FIXED_4:
        is_good = take_bytes(rest, 4, &skipped);
        break;
    default:
        break;
    }
    return is_good && field->number ? OTS_OK : OTS_CORRUPT;
}

void **ots_proto_array(struct ots_arena *arena, size_t count, size_t size,
                       const ProtobufCMessageDescriptor *descriptor)
{
    if (!count)
        return NULL;
    void **pointers = ots_arena_array(arena, count, sizeof(void *));
    uint8_t *messages = ots_arena_array(arena, count, size);
    if (!pointers || !messages)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        pointers[i] = messages + i * size;
        protobuf_c_message_init(descriptor, pointers[i]);
    }
    return pointers;
}
