/*
 * Copying from one open file to another: by rows where both can, else by text, in turns. Both ways
 * mean the same, so each step takes whichever goes on from where the last one ended.
 *
 * What is to be copied was cut by the kernel at the size that it knows of the file, where reading
 * goes on to the end. When that may not be the size of what the file shows, nothing is copied: at
 * the beginning with a status on which tools read and write instead.
 */
#include "fs/view/file.h"

enum { COPY_BYTES_MAX = 16 * 1024 * 1024, TEXT_BYTES_MAX = 1024 * 1024 };

struct copy {
    struct ots_file *from;
    struct ots_file *to;
    uint64_t from_offset;
    uint64_t to_offset;
    size_t size;
    struct ots_interrupt *interrupt;
};

/* Whole lines whose rows are at hand; none is no error. */
static enum ots_status copy_rows(const struct copy *copy, size_t *copied, struct ots_error *err)
{
    struct ots_row_span span = {0};
    *copied = 0;
    if (!copy->from->ops->rows || !copy->to->ops->take_rows)
        return OTS_OK;
    enum ots_status status = copy->from->ops->rows(copy->from, copy->from_offset, copy->size,
                                                   copy->interrupt, &span, err);
    if (status != OTS_OK || !span.count)
        return status;
    return copy->to->ops->take_rows(copy->to, copy->to_offset, &span, copy->interrupt, copied, err);
}

/* `cut`: where the range ends within a line, 0 when it does not. */
static enum ots_status check_source(const struct copy *copy, uint64_t cut, struct ots_error *err)
{
    const struct ots_file_ops *ops = copy->from->ops;
    return ops->check_copy ? ops->check_copy(copy->from, cut, err) : OTS_OK;
}

static enum ots_status copy_text(const struct copy *copy, size_t *copied, struct ots_error *err)
{
    struct ots_buf text = OTS_BUF_INIT;
    size_t size = copy->size < TEXT_BYTES_MAX ? copy->size : TEXT_BYTES_MAX;
    *copied = 0;
    enum ots_status status =
        copy->from->ops->read(copy->from, copy->from_offset, size, copy->interrupt, &text, err);
    if (status == OTS_OK && text.size && text.data[text.size - 1] != '\n')
        status = check_source(copy, copy->from_offset + text.size, err);
    if (status == OTS_OK && text.size)
        status = copy->to->ops->write(copy->to, copy->to_offset, ots_buf_slice(&text),
                                      copy->interrupt, copied, err);
    ots_buf_deinit(&text);
    return status;
}

/*
 * What was copied counts, and why it did not go on is told to the next who tries. Behind rows no
 * text comes: what is left is mostly the beginning of a line, whose row would be lost for it.
 */
static enum ots_status copy_all(struct copy *copy, size_t *copied, struct ots_error *err)
{
    enum ots_status status = check_source(copy, 0, err);
    size_t step = 0;
    bool has_rows = false;
    if (status != OTS_OK)
        return status;
    do {
        status = copy_rows(copy, &step, err);
        has_rows = has_rows || step;
        if (status == OTS_OK && !has_rows)
            status = copy_text(copy, &step, err);
        copy->from_offset += step;
        copy->to_offset += step;
        copy->size -= step;
        *copied += step;
    } while (status == OTS_OK && step && copy->size && !ots_interrupt_is_raised(copy->interrupt));
    return *copied ? OTS_OK : status;
}

/* In the order of their addresses, so that two who copy in both directions do not wait for each
 * other for ever. */
static enum ots_status enter_both(struct copy *copy)
{
    bool is_from_first = copy->from < copy->to;
    struct ots_file *first = is_from_first ? copy->from : copy->to;
    struct ots_file *second = is_from_first ? copy->to : copy->from;
    enum ots_status status = ots_file_enter(first, copy->interrupt);
    if (status != OTS_OK)
        return status;
    status = ots_file_enter(second, copy->interrupt);
    if (status != OTS_OK)
        ots_file_leave(first);
    return status;
}

enum ots_status ots_file_copy(struct ots_file *from, uint64_t from_offset, struct ots_file *to,
                              uint64_t to_offset, size_t size, struct ots_interrupt *interrupt,
                              size_t *copied, struct ots_error *err)
{
    *copied = 0;
    if (from == to)
        return ots_error_set(err, OTS_UNSUPPORTED, "copying from a file to itself");
    if (!from->ops->read)
        return OTS_OK;
    if (!to->ops->write)
        return ots_error_set(err, OTS_INVALID, "not open for writing");
    struct copy copy = {.from = from,
                        .to = to,
                        .from_offset = from_offset,
                        .to_offset = to_offset,
                        .size = size < COPY_BYTES_MAX ? size : COPY_BYTES_MAX,
                        .interrupt = interrupt};
    enum ots_status status = enter_both(&copy);
    if (status != OTS_OK)
        return ots_error_set(err, status, "interrupted");
    bool is_own = ots_file_begin_own(to);
    status = copy_all(&copy, copied, err);
    /* The kernel does not forget what a copy has failed to write to. */
    if (is_own)
        ots_file_end_own(to, *copied);
    ots_file_leave(from);
    ots_file_leave(to);
    if (status == OTS_STALE && !from_offset)
        status =
            ots_error_set(err, OTS_NOT_PERMITTED, "the source was changed since it was opened");
    return status;
}
