#include "fs/lp/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/lp_record.h"

static const struct ots_lp_options NS = {OTS_PRECISION_NS, -1};

static void assert_parses(const struct ots_lp_options *options, const char *text,
                          const char *expected)
{
    struct lp_record record;
    lp_record_parse(&record, options, ots_slice_str(text), strlen(text));
    lp_record_assert(&record, expected);
    lp_record_deinit(&record);
}

struct pair {
    const char *text;
    const char *expected;
};

static void assert_pairs(const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_parses(&NS, pairs[i].text, pairs[i].expected);
}

/* --- good lines ------------------------------------------------------------------------------- */

static void test_lines(void **state)
{
    (void)state;
    static const struct pair PAIRS[] = {
        {"", ""},
        {"m f=1 1000\n", "m f=1 1000\n"},
        {"m,a=b f=1i 1000\n", "m,a=b f=1i 1000\n"},
        {"m,b=2,a=1 g=1,f=2 1000\n", "m,a=1,b=2 f=2,g=1 1000\n"},
        {"m,_data_source=s,a=1 f=1 0\n", "m,_data_source=s,a=1 f=1 0\n"},
        {"m  f=1   1000  \n", "m f=1 1000\n"},
        {" \t m f=1 1000\n", "m f=1 1000\n"},
        {"m f=1 1000\r\nm f=2 2000\r\n", "m f=1 1000\nm f=2 2000\n"},
        {"\n\r\n  \n\t\n \t \r\nm f=1 1000\n", "m f=1 1000\n"},
        {"# c \"\n  #d\nm f=1 1000\n#\n", "m f=1 1000\n"},
        {"m f=1 1000\nm f=2", "m f=1 1000\nrest 5\n"},
        {"m#x f=1 0\n", "m#x f=1 0\n"},
        {"m=x f=1 0\n", "m=x f=1 0\n"},
        {"m f=1 -0\n", "m f=1 0\n"},
        {"m f=1 000001000\n", "m f=1 1000\n"},
        {"\xEF\xBB\xBFm f=1 0\n", "\xEF\xBB\xBFm f=1 0\n"},
        {"m Tag=1,UPPER=2 0\n", "m Tag=1,UPPER=2 0\n"},
    };
    assert_pairs(PAIRS, sizeof(PAIRS) / sizeof(PAIRS[0]));
}

/* Lines as Telegraf's inputs and InfluxData's examples write them. */
static void test_lines_of_others(void **state)
{
    (void)state;
    static const struct pair PAIRS[] = {
        {"cpu,cpu=cpu-total,host=web-1 usage_user=1.5,usage_idle=97.25 1700000000000000000\n",
         "cpu,cpu=cpu-total,host=web-1 usage_idle=97.25,usage_user=1.5 1700000000000000000\n"},
        {"disk,device=sda1,fstype=ext4,mode=rw,path=/ free=31842222080i,used_percent=19.5 "
         "1700000000000000000\n",
         "disk,device=sda1,fstype=ext4,mode=rw,path=/ free=31842222080i,used_percent=19.5 "
         "1700000000000000000\n"},
        {"system,host=h uptime=1249632i,uptime_format=\"14 days, 11:07\" 1700000000000000000\n",
         "system,host=h uptime=1249632i,uptime_format=\"14 days, 11:07\" 1700000000000000000\n"},
        {"net,host=h,interface=eth0 bytes_recv=18446744073u,err_in=0u 1700000000000000000\n",
         "net,host=h,interface=eth0 bytes_recv=18446744073i,err_in=0i 1700000000000000000\n"},
        {"weather,location=us-midwest,season=summer temperature=82 1465839830100400200\n",
         "cut weather,location=us-midwest,season=summer temperature=82 1465839830100400000\n"},
        {"h2o_feet,location=coyote_creek level\\ description=\"between 6 and 9 feet\","
         "water_level=8.12 1566000000000000000\n",
         "h2o_feet,location=coyote_creek level\\ description=\"between 6 and 9 feet\","
         "water_level=8.12 1566000000000000000\n"},
        {"home,room=Living\\ Room temp=21.1,hum=35.9,co=0i 1641024000000000000\n",
         "home,room=Living\\ Room co=0i,hum=35.9,temp=21.1 1641024000000000000\n"},
    };
    assert_pairs(PAIRS, sizeof(PAIRS) / sizeof(PAIRS[0]));
}

static void test_values(void **state)
{
    (void)state;
    static const struct pair PAIRS[] = {
        {"m f=007i 0\n", "m f=7i 0\n"},
        {"m f=-0i 0\n", "m f=0i 0\n"},
        {"m f=-9223372036854775808i 0\n", "m f=-9223372036854775808i 0\n"},
        {"m f=9223372036854775807u 0\n", "m f=9223372036854775807i 0\n"},
        {"m f=1.,g=.5,h=1.e5,i=-0,j=1E-5,k=007.5 0\n",
         "m f=1,g=0.5,h=100000,i=-0,j=0.00001,k=7.5 0\n"},
        {"m f=1e-400,g=1.7976931348623157e308 0\n", "m f=0,g=1.7976931348623157e+308 0\n"},
        {"m a=t,b=T,c=true,d=True,e=TRUE 0\n", "m a=true,b=true,c=true,d=true,e=true 0\n"},
        {"m a=f,b=F,c=false,d=False,e=FALSE 0\n", "m a=false,b=false,c=false,d=false,e=false 0\n"},
        {"m f=\"\" 0\n", "m f=\"\" 0\n"},
        {"m f=\"a,b=c d #\",g=2i 0\n", "m f=\"a,b=c d #\",g=2i 0\n"},
        {"m f=\"a\\\"b\\\\\" 0\n", "m f=\"a\\\"b\\\\\" 0\n"},
        {"m f=\"a\\b\\n\" 0\n", "m f=\"a\\\\b\\\\n\" 0\n"},
        {"m f=\"a\nb\",g=\"\r\" 0\n", "m f@str=\"a\\\\nb\",g@str=\"\\\\r\" 0\n"},
        {"m f=\"\\\n\" 0\n", "m f@str=\"\\\\\\\\\\\\n\" 0\n"},
        {"m f=\"\t杭\" 0\n", "m f=\"\t杭\" 0\n"},
        {"m f=1,f=2 0\n", "m f=2 0\n"},
        {"m f=1,g=3,f=\"x\",g@b64=\"eA==\" 0\n", "m f=\"x\",g@b64=\"eA==\" 0\n"},
    };
    assert_pairs(PAIRS, sizeof(PAIRS) / sizeof(PAIRS[0]));
}

static void test_escapes(void **state)
{
    (void)state;
    static const struct pair PAIRS[] = {
        {"m\\,x\\ y,a\\,b=\\=1,c\\ d=\\,2\\  f\\=g=1 0\n",
         "m\\,x\\ y,a\\,b=\\=1,c\\ d=\\,2\\  f\\=g=1 0\n"},
        {"m\\x,a\\b=c\\d f\\g=1 0\n", "m\\x,a\\b=c\\d f\\g=1 0\n"},
        /* Two backslashes are two. */
        {"m\\\\x,a=x\\\\y f=1 0\n", "m\"5C\\x,a=x\"5C\\y f=1 0\n"},
        {"m\\\\,a=b f=1 0\n", "m\"5C\\,a=b f=1 0\n"},
        {"\\#m f=1 0\n", "\\#m f=1 0\n"},
        /* Tags that other tools reserve are only tags. */
        {"m,time=x,_field=y f=1 0\n", "m,\"5Ffield=y,\"74ime=x f=1 0\n"},
        {"m time=5i 0\n", "m time@=5i 0\n"},
    };
    assert_pairs(PAIRS, sizeof(PAIRS) / sizeof(PAIRS[0]));
}

/* What the printer writes for what line protocol cannot carry. */
static void test_marks(void **state)
{
    (void)state;
    static const char *const LINES[] = {
        "\"\" f=1 0\n",
        "\"23a f=1 0\n",
        "a\"5C,\"5Fdata_source=\"0A\"7F,\"74ime=\"\",x=\"22\"5C f=1 0\n",
        "m f@b64=\"Af8=\",g@f64=\"NaN\",h@f64=\"+Inf\",i@f64=\"-Inf\" 0\n",
        "m f@f64=\"nan:fff8000000000000\",time@=5i 0\n",
        "m f@str=\"\\\\n\\\\r\\\\x00\\\\x09\\\\x7F\\\\\\\\\\\"\" 0\n",
        "m f@b64=\"\",time@str=\"\\\\n\" 0\n",
        "m a@b@=1,a@b64@b64=\"eA==\" 0\n",
        "m \"\"=1,\"0A=2 0\n",
        "m \"\"@b64=\"eA==\" 0\n",
    };
    for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++)
        assert_parses(&NS, LINES[i], LINES[i]);
    assert_parses(&NS, "m,a=\"5Cx f@=1i 0\n", "m,a=\\x f=1i 0\n");
    assert_parses(&NS, "m,_data_source=\"\" f=1 0\n", "m f=1 0\n");
}

static void test_times(void **state)
{
    (void)state;
    assert_parses(&NS, "m f=1 1999\n", "cut m f=1 1000\n");
    assert_parses(&NS, "m f=1 999\n", "cut m f=1 0\n");
    assert_parses(&NS, "m f=1 9223372036854775807\n", "cut m f=1 9223372036854775000\n");
    assert_parses(&NS, "m f=1 9223372036854775807000\n", "m f=1 9223372036854775807000\n");
    assert_parses(&NS, "m f=1 9223372036854775808\n", "1:7: the time is out of range\n");
    assert_parses(&NS, "m f=1 9223372036854775808000\n", "1:7: the time is out of range\n");
    assert_parses(&NS, "m f=1\n", "1:6: the line has no time\n");
    const struct ots_lp_options us = {OTS_PRECISION_US, 77};
    assert_parses(&us, "m f=1 9223372036854775807\n", "m f=1 9223372036854775807000\n");
    assert_parses(&us, "m f=1 9223372036854775808\n", "1:7: the time is out of range\n");
    assert_parses(&us, "m f=1\nm f=1  \nm f=1 \r\n", "m f=1 77000\nm f=1 77000\nm f=1 77000\n");
    const struct ots_lp_options ms = {OTS_PRECISION_MS, 0};
    assert_parses(&ms, "m f=1 9223372036854775\nm f=1 9223372036854776\nm f=1\n",
                  "m f=1 9223372036854775000000\n2:7: the time is out of range\nm f=1 0\n");
    const struct ots_lp_options s = {OTS_PRECISION_S, -1};
    assert_parses(&s, "m f=1 1700000000\nm f=1 -1\n",
                  "m f=1 1700000000000000000\n2:7: the service stores no time before 1970\n");
    assert_parses(&s, "m f=1 340282366920938463463374607431768211455\n",
                  "1:7: the time is out of range\n");
}

/* --- bad lines -------------------------------------------------------------------------------- */

/* The good line before and behind must be there, the bad one be one problem. */
static void assert_bad(const char *line, size_t column, const char *reason)
{
    struct ots_buf text = OTS_BUF_INIT;
    struct ots_buf expected = OTS_BUF_INIT;
    ots_buf_append_fmt(&text, "m f=1 0\n%s\nm f=2 0\n", line);
    ots_buf_append_fmt(&expected, "m f=1 0\n2:%zu: %s\nm f=2 0\n", column, reason);
    ots_buf_append_byte(&expected, 0);
    struct lp_record record;
    lp_record_parse(&record, &NS, ots_buf_slice(&text), text.size);
    lp_record_assert(&record, (const char *)expected.data);
    lp_record_deinit(&record);
    ots_buf_deinit(&text);
    ots_buf_deinit(&expected);
}

static void test_bad_series(void **state)
{
    (void)state;
    const char *quote = "a double quote that is no mark (`\"HH`) of otsfs";
    assert_bad(",a=b f=1 0", 1, "a line without a measurement");
    assert_bad("\r m f=1 0", 1, "a line without a measurement");
    assert_bad("m", 2, "the line has no fields");
    assert_bad("m\r", 2, "the line has no fields");
    assert_bad("m,a=b", 6, "the line has no fields");
    assert_bad("m\\", 3, "the line has no fields");
    assert_bad("m\tf=1 0", 2, "a control byte in the measurement");
    assert_bad("m,a f=1 0", 4, "a tag without '='");
    assert_bad("m,=b f=1 0", 3, "a tag without a name");
    assert_bad("m,a=b, f=1 0", 7, "a tag without a name");
    assert_bad("m,a= f=1 0", 5, "a tag without a value");
    assert_bad("m,a=,b=c f=1 0", 5, "a tag without a value");
    assert_bad("m,a=b=c f=1 0", 6, "'=' in a tag's value must be escaped");
    assert_bad("m,a=b\tf=1 0", 6, "a control byte in a tag");
    assert_bad("m,a=b\rc f=1 0", 6, "a control byte in a tag");
    assert_bad("m,a=1,b=2,a=3 f=1 0", 2, "a tag occurs twice");
    assert_bad("m,time=1,\"74ime=2 f=1 0", 2, "a tag occurs twice");
    assert_bad("m,_data_source=1,_data_source=2 f=1 0", 18, "a tag occurs twice");
    assert_bad("m\\=x f=1 0", 1, "readers differ on `\\=` in a measurement; write = alone");
    assert_bad("\"m\" f=1 0", 1, quote);
    assert_bad("m,a=\"xy\" f=1 0", 5, quote);
    assert_bad("m,a=\"0a f=1 0", 5, quote);
    assert_bad("m,a=\"41 f=1 0", 5, quote);
    assert_bad("m,a=\"\"x f=1 0", 5, quote);
    assert_bad("m,a=x\"0 f=1 0", 5, quote);
    assert_bad("m,\"61=x f=1 0", 3, quote);
    assert_bad("m,a=\"74ime f=1 0", 5, quote);
    assert_bad("\"74ime f=1 0", 1, quote);
    assert_bad("a\"23 f=1 0", 1, quote);
    assert_bad("m,a=\xFFx f=1 0", 5, "a name that is not UTF-8");
    assert_bad("\xC3 f=1 0", 1, "a name that is not UTF-8");
}

static void test_bad_fields(void **state)
{
    (void)state;
    const char *mark = "an unknown mark: '@' is followed by nothing, b64, f64 or str";
    assert_bad("m ", 3, "a field is missing");
    assert_bad("m,a=b 1000", 11, "a field without '='");
    assert_bad("m =1 0", 3, "a field without a name");
    assert_bad("m @=1 0", 3, "a field without a name");
    assert_bad("m f=1, 0", 7, "a field is missing");
    assert_bad("m f=1,,g=2 0", 7, "a field is missing");
    assert_bad("m f=1,g 0", 8, "a field without '='");
    assert_bad("m f\t=1 0", 4, "a field without '='");
    assert_bad("m \"f\"=1 0", 3, "a double quote that is no mark (`\"HH`) of otsfs");
    assert_bad("m f@x=1 0", 4, mark);
    assert_bad("m f@B64=\"\" 0", 4, mark);
    assert_bad("m f@b64@x=1 0", 8, mark);
    assert_bad("m \xFF=1 0", 3, "a name that is not UTF-8");
    assert_bad("m f=1\tg=2 0", 6, "a malformed value");
    assert_bad("m f=1\rg=2 0", 6, "a malformed value");
    assert_bad("m f=\"a\"b 0", 8, "a malformed value");
}

static void test_bad_values(void **state)
{
    (void)state;
    const char *none = "no number, boolean or quoted string";
    assert_bad("m f= 0", 5, none);
    assert_bad("m f=,g=1 0", 5, none);
    assert_bad("m f=+1 0", 5, none);
    assert_bad("m f=x 0", 5, none);
    assert_bad("m f=NaN 0", 5, none);
    assert_bad("m f=inf 0", 5, none);
    assert_bad("m f=tRUE 0", 5, none);
    assert_bad("m f=truee 0", 5, none);
    assert_bad("m f=- 0", 5, "a malformed number");
    assert_bad("m f=. 0", 5, "a malformed number");
    assert_bad("m f=1e 0", 5, "a malformed number");
    assert_bad("m f=0x10 0", 6, "a malformed value");
    assert_bad("m f=1_000 0", 6, "a malformed value");
    assert_bad("m f=1ii 0", 7, "a malformed value");
    assert_bad("m f=-Inf 0", 5, "a malformed number");
    assert_bad("m f=1e309 0", 5, "a number beyond the largest double");
    assert_bad("m f=1.5i 0", 5, "an integer with a point or an exponent");
    assert_bad("m f=9223372036854775808i 0", 5, "an integer beyond 64 bits");
    assert_bad("m f=-1u 0", 5, "an unsigned number below 0");
    assert_bad("m f=9223372036854775808u 0", 5,
               "the service stores no unsigned number above 2^63-1");
    assert_bad("m f=\"a\xFF\" 0", 6, "a string that is not UTF-8");
}

static void test_bad_marked_values(void **state)
{
    (void)state;
    const char *string = "a field marked @b64, @f64 or @str must be a string";
    const char *base64 = "a @b64 field that is not padded base64";
    const char *real = "a @f64 field is one of NaN, +Inf, -Inf, nan: and 16 hex digits of a NaN";
    const char *coded =
        "a @str field with an escape other than \\n \\r \\\\ \\xHH of a control byte";
    assert_bad("m f@b64=1 0", 9, string);
    assert_bad("m f@f64=1 0", 9, string);
    assert_bad("m f@str=true 0", 9, string);
    assert_bad("m f@b64=\"x\" 0", 9, base64);
    assert_bad("m f@b64=\"eA=\" 0", 9, base64);
    assert_bad("m f@b64=\"eB==\" 0", 9, base64);
    assert_bad("m f@b64=\"e!==\" 0", 9, base64);
    assert_bad("m f@f64=\"\" 0", 9, real);
    assert_bad("m f@f64=\"nan\" 0", 9, real);
    assert_bad("m f@f64=\"Inf\" 0", 9, real);
    assert_bad("m f@f64=\"nan:3ff0000000000000\" 0", 9, real);
    assert_bad("m f@f64=\"nan:7ff0000000000000\" 0", 9, real);
    assert_bad("m f@f64=\"nan:7FF8000000000001\" 0", 9, real);
    assert_bad("m f@f64=\"nan:7ff80000000000010\" 0", 9, real);
    assert_bad("m f@str=\"\\\\t\" 0", 9, coded);
    assert_bad("m f@str=\"\\\\\" 0", 9, coded);
    assert_bad("m f@str=\"\\\\x41\" 0", 9, coded);
    assert_bad("m f@str=\"\\\\x0\" 0", 9, coded);
    assert_bad("m f@str=\"\\\\x0a\" 0", 9, coded);
}

static void test_bad_ends(void **state)
{
    (void)state;
    assert_bad("m f=1", 6, "the line has no time");
    assert_bad("m f=1 +1000", 7, "the time is no whole number");
    assert_bad("m f=1 1000.5", 7, "the time is no whole number");
    assert_bad("m f=1 1e9", 7, "the time is no whole number");
    assert_bad("m f=1 x", 7, "the time is no whole number");
    assert_bad("m f=1 # c", 7, "the time is no whole number");
    assert_bad("m f=1 1000t", 11, "the line goes on behind its time");
    assert_bad("m f=1 1000 # c", 12, "the line goes on behind its time");
    assert_bad("m f=1 1000\t", 11, "the line goes on behind its time");
    assert_bad("m f=1 1000\rm f=2 1", 11, "the line goes on behind its time");
    assert_bad("m f=1 -1000", 7, "the service stores no time before 1970");
    /* A space behind a comma ends the fields. */
    assert_bad("m f=1, g=2 0", 7, "a field is missing");
}

/* Where a bad line ends: LFs in strings are its own, and lines are counted on. */
static void test_bad_line_end(void **state)
{
    (void)state;
    assert_parses(&NS, "m f=x,g=\"a\nb\" 0\nm f=1 0\nm h=x 0\n",
                  "1:5: no number, boolean or quoted string\nm f=1 0\n"
                  "4:5: no number, boolean or quoted string\n");
    assert_parses(&NS, "m f=\"a\nb\" 0\nm f=x 0\n",
                  "m f@str=\"a\\\\nb\" 0\n3:5: no number, boolean or quoted string\n");
    /* A quote that stays open takes what follows, up to the next quote. */
    assert_parses(&NS, "m f=\"a 0\nm f=1 0\n", "rest 17\n");
    assert_parses(&NS, "m f=\"a 0\nm f=\"b\" 0\nm f=1 0\n", "1:15: a malformed value\nm f=1 0\n");
    assert_parses(&NS, "m,a=\"x f=\"a\nb\" 0\nm f=1 0\n",
                  "1:5: a double quote that is no mark (`\"HH`) of otsfs\nm f=1 0\n");
}

static enum ots_status check_text(void *context, const struct ots_lp_problem *problem)
{
    const char *const **expected = context;
    assert_int_equal(problem->text.size, strlen(**expected));
    assert_memory_equal(problem->text.data, **expected, problem->text.size);
    ++*expected;
    return OTS_OK;
}

static enum ots_status take_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    (void)context;
    (void)row;
    (void)cut_ns;
    return OTS_OK;
}

static void test_problem_text(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"bad", "  bad f=\"x\ny\",g 0", "m f=x 0", "m f=1 \r"};
    const char *const *next = TEXTS;
    struct ots_lp_handler handler = {take_row, check_text, &next};
    struct ots_lp_parser *parser;
    assert_int_equal(ots_lp_parser_new(&NS, &handler, &parser), OTS_OK);
    struct ots_slice text =
        OTS_SLICE("bad\nm f=1 0\n  bad f=\"x\ny\",g 0\nm f=x 0\r\nm f=1 \r\r\n");
    assert_int_equal(ots_lp_parser_feed(parser, text), OTS_OK);
    assert_ptr_equal(next, TEXTS + 4);
    ots_lp_parser_free(parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),        cmocka_unit_test(test_lines_of_others),
        cmocka_unit_test(test_values),       cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_marks),        cmocka_unit_test(test_times),
        cmocka_unit_test(test_bad_series),   cmocka_unit_test(test_bad_fields),
        cmocka_unit_test(test_bad_values),   cmocka_unit_test(test_bad_marked_values),
        cmocka_unit_test(test_bad_ends),     cmocka_unit_test(test_bad_line_end),
        cmocka_unit_test(test_problem_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
