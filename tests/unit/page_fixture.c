#include "tests/unit/page_fixture.h"

#include <stdlib.h>

static const struct ots_tag tag = {OTS_SLICE("host"), OTS_SLICE("a")};
const struct ots_series_key page_key = {OTS_SLICE("cpu"), OTS_SLICE(""), &tag, 1};

void page_put_lines(struct view_fixture *fixture, int64_t count)
{
    char *lines = view_lines("cpu,host=a", 100, count);
    fake_store_put(fixture->fake, "t", lines);
    free(lines);
}

struct ots_page_source page_source(struct view_fixture *fixture, const char *table)
{
    return (struct ots_page_source){.store = fake_store_of(fixture->fake),
                                    .table = ots_slice_str(table),
                                    .key = &page_key,
                                    .end_us = INT64_MAX};
}

size_t page_count_gets(struct view_fixture *fixture)
{
    return fake_store_count(fixture->fake, OTS_ACTION_GET);
}
