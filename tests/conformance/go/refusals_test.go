package conformance

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore/otsprotocol"
)

func TestAccess(t *testing.T) {
	for text, change := range map[string]func(*source){
		"Signature mismatch.":             func(from *source) { from.AccessKey = "not the secret" },
		"The AccessKeyID does not exist.": func(from *source) { from.AccessID = "NobodysAccessKey" },
		"The instance is not found.":      func(from *source) { from.InstanceName = "elsewhere" },
	} {
		from := sourceOf(t, "OTS_CONFIG")
		change(&from)
		_, err := from.series(settings()).ListTimeseriesTable()
		expectRefusal(t, err, authFailed, text)
		err = put(from.series(settings()), "t", row(key("m", "", nil), 1, fields{"x": "1"}))
		expectRefusal(t, err, authFailed, text)
		_, err = from.wide(settings()).ListTable()
		expectRefusal(t, err, authFailed, text)
	}
}

// Headers that the SDK adds when it is asked to, all of them signed.
func TestExtraHeaders(t *testing.T) {
	from := sourceOf(t, "OTS_CONFIG")
	newTable(t, tableMeta("headers", -1))
	ots := tablestore.NewTimeseriesClientWithConfig(from.Endpoint, from.InstanceName, from.AccessID,
		from.AccessKey, "a security token", settings(), nil)
	request := getRequest("headers", key("m", "", nil), 0, 1)
	request.SetTraceID("a trace id")
	extension := tablestore.RequestExtension{}
	extension.SetPriority(tablestore.Priority(1))
	extension.SetTag("a tag")
	request.SetRequestExtension(extension)
	answer, err := ots.GetTimeseriesData(request)
	must(t, err)
	if answer.RequestId == "" {
		t.Fatal("an answer without a request id")
	}
}

func TestMissingTable(t *testing.T) {
	ots := seriesClient(t)
	text := "Requested table does not exist."
	series := key("m", "", nil)
	expectRefusal(t, put(ots, "missing", row(series, 1, fields{"x": "1"})), notThere, text)
	_, err := ots.GetTimeseriesData(getRequest("missing", series, 0, 1))
	expectRefusal(t, err, notThere, text)
	_, err = ots.QueryTimeseriesMeta(tablestore.NewQueryTimeseriesMetaRequest("missing"))
	expectRefusal(t, err, notThere, text)
	update := tablestore.NewUpdateTimeseriesMetaRequest("missing")
	update.AddTimeseriesMetas(tablestore.NewTimeseriesMeta(series))
	_, err = ots.UpdateTimeseriesMeta(update)
	expectRefusal(t, err, notThere, text)
	deletion := tablestore.NewDeleteTimeseriesMetaRequest("missing")
	deletion.AddTimeseriesKeys(series)
	_, err = ots.DeleteTimeseriesMeta(deletion)
	expectRefusal(t, err, notThere, text)
	_, err = ots.DescribeTimeseriesTable(tablestore.NewDescribeTimeseriesTableRequset("missing"))
	expectRefusal(t, err, notThere, text)
}

// Actions of the SDK that are not part of otslocal.
func TestUnknownActions(t *testing.T) {
	ots := wideClient(t)
	name := "t"
	_, err := ots.ListSearchIndex(&tablestore.ListSearchIndexRequest{TableName: name})
	expectRefusal(t, err, invalid, "Unsupported operation: 'ListSearchIndex'.")
	_, err = ots.SQLQuery(&tablestore.SQLQueryRequest{Query: "select 1"})
	expectRefusal(t, err, invalid, "Unsupported operation: 'SQLQuery'.")
	_, err = ots.ComputeSplits((&tablestore.ComputeSplitsRequest{}).SetTableName(name))
	expectRefusal(t, err, invalid, "Unsupported operation: 'ComputeSplits'.")
	_, err = ots.DeleteIndex(&tablestore.DeleteIndexRequest{MainTableName: name, IndexName: "i"})
	expectRefusal(t, err, invalid, "Unsupported operation: 'DropIndex'.")
	_, err = ots.AbortTransaction(&tablestore.AbortTransactionRequest{TransactionId: &name})
	expectRefusal(t, err, invalid, "Unsupported operation: 'AbortTransaction'.")
}

func manyFields(count int) fields {
	all := fields{}
	for i := 0; i < count; i++ {
		all[fmt.Sprint("f", i)] = int64(i)
	}
	return all
}

func manyTags() tags {
	all := tags{}
	for i := 0; i < 43; i++ {
		all[fmt.Sprintf("k%02d", i)] = "v----"
	}
	return all
}

var one = fields{"x": int64(1)}

// A row and what is wrong with it. Of some protobuf form the SDK makes none: it looks at tags itself.
var badRows = []struct {
	name, text string
	bad        *tablestore.TimeseriesRow
	onlyFlat   bool
}{
	{"measurement_empty", "measurement: empty", row(key("", "", nil), 1, one), false},
	{"measurement_129_bytes", "measurement: 129 bytes instead of at most 128",
		row(key(strings.Repeat("m", 129), "", nil), 1, one), false},
	{"measurement_129_bytes_of_43_characters", "measurement: 129 bytes instead of at most 128",
		row(key(strings.Repeat("温", 43), "", nil), 1, one), false},
	{"measurement_hash", "(U+0023)", row(key("##AA##", "", nil), 1, one), false},
	{"measurement_space", "(U+0020)", row(key("aa bb", "", nil), 1, one), false},
	{"measurement_nul", "(U+0000)", row(key("m\x00", "", nil), 1, one), false},
	{"measurement_wide_space", "(U+3000)", row(key("m\u3000", "", nil), 1, one), false},
	{"measurement_not_utf8", "measurement: not UTF-8", row(key("m\xff", "", nil), 1, one), true},
	{"source_257_bytes", "data source: 257 bytes instead of at most 256",
		row(key("m", strings.Repeat("s", 257), nil), 1, one), false},
	{"source_not_utf8", "data source: not UTF-8", row(key("m", "s\xc3(", nil), 1, one), true},
	{"tag_name_empty", "tag: the name is empty", row(key("m", "", tags{"": "v"}), 1, one), true},
	{"tag_name_equals", "printable ASCII", row(key("m", "", tags{"a=b": "v"}), 1, one), true},
	{"tag_name_quote", "printable ASCII", row(key("m", "", tags{"a\"b": "v"}), 1, one), true},
	{"tag_name_space", "printable ASCII", row(key("m", "", tags{"a b": "v"}), 1, one), false},
	{"tag_name_beyond_ascii", "printable ASCII", row(key("m", "", tags{"城市": "v"}), 1, one), false},
	{"tag_value_quote", "the value holds '\"' or '='", row(key("m", "", tags{"a": "v\""}), 1, one),
		true},
	{"tag_value_equals", "the value holds '\"' or '='", row(key("m", "", tags{"a": "v=w"}), 1, one),
		true},
	{"tags_513_bytes", "tags: 513 bytes as text instead of at most 512", row(key("m", "",
		tags{strings.Repeat("k", 100): strings.Repeat("v", 408)}), 1, one), false},
	{"tags_517_bytes_of_many", "tags: 517 bytes as text instead of at most 512",
		row(key("m", "", manyTags()), 1, one), false},
	{"time_negative", "time: -1 is before 1970", row(key("m", "", nil), -1, one), false},
	{"time_smallest", "is before 1970", row(key("m", "", nil), math.MinInt64, one), false},
	{"no_fields", "row: no fields", row(key("m", "", nil), 1, fields{}), false},
	{"1025_fields", "row: 1025 fields instead of at most 1024",
		row(key("m", "", nil), 1, manyFields(1025)), false},
	{"field_name_empty", "field: the name is empty", row(key("m", "", nil), 1, fields{"": "v"}),
		false},
	{"field_name_129_bytes", "the name has 129 bytes, not 128", row(key("m", "", nil), 1,
		fields{strings.Repeat("f", 129): "v"}), false},
	{"field_name_digit", "the name starts with a digit", row(key("m", "", nil), 1,
		fields{"1x": "v"}), false},
	{"field_name_colon", "the name has other characters", row(key("m", "", nil), 1,
		fields{"a:i": "v"}), false},
	{"field_name_beyond_ascii", "the name has other characters", row(key("m", "", nil), 1,
		fields{"温度": "v"}), false},
	{"field_name_reserved", "the name is reserved", row(key("m", "", nil), 1,
		fields{"_time": "v"}), false},
	{"string_over_2_mib", "field \"x\": 2097153 bytes instead of at most 2097152",
		row(key("m", "", nil), 1, fields{"x": strings.Repeat("v", 2*mib+1)}), false},
	{"string_not_utf8", "field \"x\": the text is not UTF-8",
		row(key("m", "", nil), 1, fields{"x": "\xff\xfe"}), true},
	{"binary_over_2_mib", "field \"x\": 2097153 bytes instead of at most 2097152",
		row(key("m", "", nil), 1, fields{"x": bytes.Repeat([]byte{1}, 2*mib+1)}), false},
}

// The put is refused as a whole, also the good row in it.
func expectBadPut(t testing.TB, ots *tablestore.TimeseriesClient, text string,
	rows ...*tablestore.TimeseriesRow) {
	t.Helper()
	good := key("good", t.Name(), nil)
	err := put(ots, "refusals", append([]*tablestore.TimeseriesRow{row(good, 1, one)}, rows...)...)
	expectRefusal(t, err, invalid, text)
	expect(t, "rows", len(get(t, ots, "refusals", good)), 0)
	request := tablestore.NewQueryTimeseriesMetaRequest("refusals")
	request.SetCondition(tablestore.NewDataSourceMetaQueryCondition(tablestore.OP_EQUAL, t.Name()))
	page, err := ots.QueryTimeseriesMeta(request)
	must(t, err)
	expect(t, "records", len(page.GetTimeseriesMetas()), 0)
}

func TestBadRows(t *testing.T) {
	ots := newTable(t, tableMeta("refusals", -1))
	eachFormat(t, func(t *testing.T) {
		isFlat := tablestore.RowsSerializeType == otsprotocol.RowsSerializeType_RST_FLAT_BUFFER
		for _, each := range badRows {
			if isFlat || !each.onlyFlat {
				t.Run(each.name, func(t *testing.T) { expectBadPut(t, ots, each.text, each.bad) })
			}
		}
	})
}

func TestBadPuts(t *testing.T) {
	ots := newTable(t, tableMeta("refusals", -1))
	eachFormat(t, func(t *testing.T) {
		var rows []*tablestore.TimeseriesRow
		for at := int64(0); at < 200; at++ {
			rows = append(rows, row(key("m", "", nil), at, one))
		}
		expectBadPut(t, ots, "201 rows instead of 1 to 200", rows...)
		// A row has 8 bytes more than its measurement, the field's name and its value.
		large := func(at int64, more int) *tablestore.TimeseriesRow {
			text := strings.Repeat("v", mib-10+more)
			return row(key("m", "", nil), at, fields{"x": text})
		}
		expectRefusal(t, put(ots, "refusals", large(1, 0), large(2, 0), large(3, 0), large(4, 1)),
			invalid, "rows of 4194305 bytes instead of at most 4194304")
		must(t, put(ots, "refusals", large(1, 0), large(2, 0), large(3, 0), large(4, 0)))
	})
}
