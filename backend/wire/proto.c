#include "backend/wire/proto.h"

struct memory {
    struct ots_arena *arena;
    bool has_failed;
};

static void *allocate(void *context, size_t size)
{
    struct memory *memory = context;
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
    struct memory memory = {.arena = arena};
    ProtobufCAllocator allocator = {.alloc = allocate, .free = leave, .allocator_data = &memory};
    /* No bytes are a message without fields, but protobuf-c wants a pointer all the same. */
    const uint8_t *data = input.data ? input.data : (const uint8_t *)"";
    ProtobufCMessage *unpacked =
        protobuf_c_message_unpack(descriptor, &allocator, input.size, data);
    if (!unpacked && memory.has_failed)
        return ots_error_set(err, OTS_NOMEM, "no memory to decode %s", what);
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
