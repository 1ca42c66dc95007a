/*
 * PlainBuffer: rows of key cells and data cells with checksums, as the service returns rows and
 * as wide-column calls and streams carry them.
 *
 * Source: java core/protocol/PlainBufferConsts, PlainBufferCodedOutputStream,
 * PlainBufferCodedInputStream, PlainBufferCrc8; go plain_buffer.go; python plainbuffer/.
 */
#ifndef OTS_WIRE_PLAINBUF_H
#define OTS_WIRE_PLAINBUF_H

#include "backend/base/buf.h"
#include "backend/model/cell.h"

/* Append the header; call once before the first row. */
void ots_plainbuf_header_append(struct ots_buf *buf);

/* Append one row with its checksums. */
void ots_plainbuf_row_append(struct ots_buf *buf, const struct ots_plain_row *row);

/*
 * The same piece by piece: begin, key cells, data_begin and data cells if there are any, end.
 *
 * The cells that begin a row are the same bytes in every row, and so is `row_crc` after them. Who
 * writes many rows with equal first cells may copy both from the row before.
 */
struct ots_plainbuf_writer {
    struct ots_buf *buf;
    uint8_t row_crc;
};

void ots_plainbuf_row_begin(struct ots_plainbuf_writer *writer, struct ots_buf *buf);
void ots_plainbuf_cell_append(struct ots_plainbuf_writer *writer, const struct ots_cell *cell);
/*
 * Append once more the cell that stands at `offset` of the buffer, with another number. It must be
 * an integer or a double, of which `bits` are the eight bytes, and have neither operation nor
 * timestamp. Returns the offset of what follows the cell at `offset`.
 */
size_t ots_plainbuf_cell_repeat(struct ots_plainbuf_writer *writer, size_t offset, uint64_t bits);
/* The offset of what follows the cell at `offset`, which has neither operation nor timestamp. */
size_t ots_plainbuf_cell_end(const struct ots_buf *buf, size_t offset);
void ots_plainbuf_data_begin(struct ots_plainbuf_writer *writer);
/* `sequence` NULL: no extension. */
void ots_plainbuf_row_end(struct ots_plainbuf_writer *writer, bool is_delete,
                          const struct ots_sequence *sequence);

/*
 * Reads a buffer row by row. Every row has one spelling: what was read, written again, gives the
 * same bytes. The cells of a row live until the next one is read.
 *
 * A row whose key begins with the bytes of the row before's, up to its last cell, has these cells
 * from there: `repeated_count` tells of how many the names and values lie there.
 */
struct ots_plainbuf_reader {
    struct ots_slice input;
    size_t offset;
    struct ots_cell *cells;
    size_t cell_capacity;
    size_t repeated_count; /* of the row read last */
    struct {
        struct ots_slice bytes; /* the cells of the last row's key but the last one */
        size_t count;
        uint8_t row_crc; /* after them */
    } known;
};

/*
 * Start reading. Empty input is no rows. Errors: OTS_CORRUPT (wrong header).
 * `input` must live as long as the reader and the cells.
 */
enum ots_status ots_plainbuf_reader_init(struct ots_plainbuf_reader *reader, struct ots_slice input,
                                         struct ots_error *err) OTS_MUST_CHECK;
/* Go on with another input, whose rows may repeat a key of those before: these must live on, too.
 */
enum ots_status ots_plainbuf_reader_next(struct ots_plainbuf_reader *reader, struct ots_slice input,
                                         struct ots_error *err) OTS_MUST_CHECK;
void ots_plainbuf_reader_deinit(struct ots_plainbuf_reader *reader);

/*
 * Read the next row; `*has_row` is false at the end. Names, strings and blobs are borrowed from
 * the input. Errors: OTS_CORRUPT with the byte offset (framing, lengths beyond the input, unknown
 * tag or type, checksum of cell or row), OTS_NOMEM.
 */
enum ots_status ots_plainbuf_read_row(struct ots_plainbuf_reader *reader, struct ots_plain_row *row,
                                      bool *has_row, struct ots_error *err) OTS_MUST_CHECK;

#endif
