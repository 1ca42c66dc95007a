/*
 * The bytes that frame PlainBuffer's parts; for plainbuf_write.c and plainbuf_read.c only.
 */
#ifndef OTS_WIRE_PLAINBUF_TAGS_H
#define OTS_WIRE_PLAINBUF_TAGS_H

enum {
    PLAINBUF_HEADER = 0x75,
    TAG_ROW_KEY = 0x01,
    TAG_ROW_DATA = 0x02,
    TAG_CELL = 0x03,
    TAG_CELL_NAME = 0x04,
    TAG_CELL_VALUE = 0x05,
    TAG_CELL_TYPE = 0x06,
    TAG_CELL_TIMESTAMP = 0x07,
    TAG_DELETE_ROW = 0x08,
    TAG_ROW_CHECKSUM = 0x09,
    TAG_CELL_CHECKSUM = 0x0a,
    TAG_EXTENSION = 0x0b,
    TAG_SEQUENCE = 0x0c,
    TAG_SEQUENCE_EPOCH = 0x0d,
    TAG_SEQUENCE_TIME = 0x0e,
    TAG_SEQUENCE_ROW_INDEX = 0x0f,
    /* What the lengths in an extension count. */
    EXTENSION_BYTES = 24,
    SEQUENCE_BYTES = 19,
};

#endif
