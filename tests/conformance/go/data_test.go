package conformance

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
)

func everyByte() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

var values = fields{
	"integer_zero":            int64(0),
	"integer_min":             int64(math.MinInt64),
	"integer_max":             int64(math.MaxInt64),
	"integer_minus_one":       int64(-1),
	"boolean_true":            true,
	"boolean_false":           false,
	"double_zero":             0.0,
	"double_minus_zero":       math.Copysign(0, -1),
	"double_tenth":            0.1,
	"double_seventeen_digits": 0.30000000000000004,
	"double_smallest":         math.SmallestNonzeroFloat64,
	"double_largest_denormal": math.Float64frombits(0x000fffffffffffff),
	"double_largest":          math.MaxFloat64,
	"double_infinity":         math.Inf(1),
	"double_minus_infinity":   math.Inf(-1),
	"double_nan":              math.Float64frombits(0x7ff8000000000000),
	"double_nan_minus":        math.Float64frombits(0xfff8000000000000),
	"double_nan_payload":      math.Float64frombits(0x7ff8dead0000beef),
	"double_nan_signalling":   math.Float64frombits(0x7ff0000000000001),
	"string_empty":            "",
	"string_unicode":          "温度 — Ünïcödé \U0001f600 \U0010ffff",
	"string_quotes":           "a \"quoted\" \\ back\\slash, comma = equals # hash @ at",
	"string_every_ascii":      string(everyByte()[:128]),
	"string_long":             strings.Repeat("long ", 20000),
	"binary_empty":            []byte{},
	"binary_every_byte":       everyByte(),
	"binary_not_utf8":         []byte("\xff\xfe\x00\xc3("),
}

func TestValuesAlone(t *testing.T) {
	ots := newTable(t, tableMeta("data", -1))
	eachFormat(t, func(t *testing.T) {
		series := key("alone", t.Name(), nil)
		at := int64(0)
		for name, value := range values {
			must(t, put(ots, "data", row(series, at, fields{"x": value})))
			rows := getAll(t, ots, getRequest("data", series, at, at+1))
			expect(t, "rows", times(rows), []int64{at})
			expect(t, name, exactly(fieldsOf(rows[0])), exactly(fields{"x": value}))
			at++
		}
	})
}

func TestValuesTogether(t *testing.T) {
	ots := newTable(t, tableMeta("data", -1))
	eachFormat(t, func(t *testing.T) {
		series := key("together", t.Name(), tags{"a": "1", "b": "2"})
		must(t, put(ots, "data", row(series, 1700000000000000, values)))
		rows := get(t, ots, "data", series)
		expect(t, "times", times(rows), []int64{1700000000000000})
		expect(t, "key", identity(rows[0].GetTimeseriesKey()), identity(series))
		expect(t, "values", exactly(fieldsOf(rows[0])), exactly(values))
	})
}

func TestTypesOfOneField(t *testing.T) {
	ots := newTable(t, tableMeta("data", -1))
	eachFormat(t, func(t *testing.T) {
		series := key("types", t.Name(), nil)
		different := []interface{}{int64(7), 7.0, true, "7", []byte("7")}
		for at, value := range different {
			must(t, put(ots, "data", row(series, int64(at), fields{"x": value})))
		}
		for at, got := range get(t, ots, "data", series) {
			expect(t, "value", fieldsOf(got), fields{"x": different[at]})
		}
	})
}

func TestKeys(t *testing.T) {
	ots := newTable(t, tableMeta("data", -1))
	eachFormat(t, func(t *testing.T) {
		keys := []*tablestore.TimeseriesKey{
			key("k", "", nil), key("k", "host_1", nil), key("K", "", nil),
			key("k", "host_1", tags{"os": "linux"}), key("k", "", tags{"os": "linux"}),
			key("k", "host_1", tags{"os": "linux", "region": "hangzhou"}),
			key("温度", "数据源 1", tags{"city": "上海 浦东"}),
			key("_@?%$A/\\", "with space, comma", tags{"a.b/c-d": "tab\tlf\nvalue"}),
			key("k", "", tags{"list": "a,b,,c", "x,y": "]", "[": "\\"}),
			key(strings.Repeat("m", 128), strings.Repeat("s", 256), nil),
			key("tags", "", tags{strings.Repeat("k", 100): strings.Repeat("v", 407)}),
		}
		for number, series := range keys {
			must(t, put(ots, "data", row(series, 1, fields{"number": int64(number)})))
		}
		for number, series := range keys {
			rows := get(t, ots, "data", series)
			expect(t, "rows of "+identity(series), times(rows), []int64{1})
			expect(t, "key", identity(rows[0].GetTimeseriesKey()), identity(series))
			expect(t, "number", fieldsOf(rows[0]), fields{"number": int64(number)})
		}
	})
}

// A table with rows at 0, 1, ... of one timeline.
func newRows(t testing.TB, count int64) (*tablestore.TimeseriesClient, *tablestore.TimeseriesKey) {
	t.Helper()
	ots := newTable(t, tableMeta("data", -1))
	series := key("rows", "s", tags{"a": "b"})
	for begin := int64(0); begin < count; begin += 200 {
		var rows []*tablestore.TimeseriesRow
		for at := begin; at < begin+200 && at < count; at++ {
			rows = append(rows, row(series, at, fields{"x": at}))
		}
		must(t, put(ots, "data", rows...))
	}
	return ots, series
}

func TestRanges(t *testing.T) {
	ots, series := newRows(t, 10)
	for _, each := range []struct{ begin, end, first, behind int64 }{
		{0, timeMaxUs, 0, 10}, {0, 10, 0, 10}, {3, 7, 3, 7}, {9, 10, 9, 10}, {0, 1, 0, 1},
		{10, 20, 0, 0}, {5, timeMaxUs, 5, 10},
	} {
		request := getRequest("data", series, each.begin, each.end)
		expect(t, "forward", times(getAll(t, ots, request)), numbers(each.first, each.behind))
		request = getRequest("data", series, each.begin, each.end)
		request.SetBackward(true)
		expect(t, "backward", times(getAll(t, ots, request)), numbers(each.behind-1, each.first-1))
	}
	must(t, put(ots, "data", row(series, timeMaxUs, fields{"x": "last"})))
	rows := getAll(t, ots, getRequest("data", series, 10, timeMaxUs))
	expect(t, "the end is not within", len(rows), 0)
}

func TestPages(t *testing.T) {
	ots, series := newRows(t, 19)
	for _, limit := range []int32{1, 2, 7, 18, 19, 20} {
		for _, backward := range []bool{false, true} {
			request := getRequest("data", series, 0, timeMaxUs)
			request.SetLimit(limit)
			request.SetBackward(backward)
			page, err := ots.GetTimeseriesData(request)
			must(t, err)
			expect(t, "whether there is a token", page.GetNextToken() != nil, limit < 19)
			wanted := numbers(0, 19)
			if backward {
				wanted = numbers(18, -1)
			}
			expect(t, fmt.Sprint("pages of ", limit), times(getAll(t, ots, request)), wanted)
		}
	}
	request := getRequest("data", series, 3, 12)
	request.SetLimit(4)
	expect(t, "range", times(getAll(t, ots, request)), numbers(3, 12))
}

func TestLongestPage(t *testing.T) {
	ots, series := newRows(t, 5200)
	for _, limit := range []int32{0, -1, 5000, 5001, math.MaxInt32} {
		request := getRequest("data", series, 0, timeMaxUs)
		request.SetLimit(limit)
		page, err := ots.GetTimeseriesData(request)
		must(t, err)
		expect(t, "page", times(page.GetRows()), numbers(0, 5000))
		expect(t, "rows", times(getAll(t, ots, request)), numbers(0, 5200))
	}
}

func TestTokens(t *testing.T) {
	ots, series := newRows(t, 10)
	request := getRequest("data", series, 0, timeMaxUs)
	request.SetLimit(4)
	page, err := ots.GetTimeseriesData(request)
	must(t, err)
	token := page.GetNextToken()
	for i := 0; i < 2; i++ {
		request.SetNextToken(token)
		page, err = ots.GetTimeseriesData(request)
		must(t, err)
		expect(t, "a token that is used again", times(page.GetRows()), numbers(4, 8))
	}
	other := getRequest("data", key("rows", "other", nil), 0, timeMaxUs)
	other.SetNextToken(token)
	_, err = ots.GetTimeseriesData(other)
	expectRefusal(t, err, invalid, "token: of another timeline")
	request.SetBackward(true)
	_, err = ots.GetTimeseriesData(request)
	expectRefusal(t, err, invalid, "token: of another kind of request")
	for _, none := range [][]byte{{0}, []byte("not a token"), bytes.Repeat([]byte{0xff}, 100),
		append([]byte{token[0] ^ 1}, token[1:]...), token[:len(token)-1]} {
		other = getRequest("data", series, 0, timeMaxUs)
		other.SetNextToken(none)
		_, err = ots.GetTimeseriesData(other)
		expectRefusal(t, err, invalid, "token: ")
	}
}

func TestFieldsToGet(t *testing.T) {
	ots := newTable(t, tableMeta("data", -1))
	series := key("fields", "", nil)
	has := fields{"a": int64(1), "b": 2.0, "c": "3", "d": []byte("4"), "e": true}
	must(t, put(ots, "data", row(series, 1, has), row(series, 2, fields{"z": "only z"})))
	kinds := map[string]tablestore.ColumnType{"a": tablestore.ColumnType_INTEGER,
		"b": tablestore.ColumnType_DOUBLE, "c": tablestore.ColumnType_STRING,
		"d": tablestore.ColumnType_BINARY, "e": tablestore.ColumnType_BOOLEAN}
	for name, kind := range kinds {
		request := getRequest("data", series, 0, timeMaxUs)
		request.AddFieldToGet(&tablestore.FieldToGet{Name: name, Type: kind})
		request.AddFieldToGet(&tablestore.FieldToGet{Name: "absent", Type: kind})
		rows := getAll(t, ots, request)
		expect(t, "rows with "+name, times(rows), []int64{1})
		expect(t, name, fieldsOf(rows[0]), fields{name: has[name]})
		other := getRequest("data", series, 0, timeMaxUs)
		for wanted, of := range kinds {
			if wanted != name {
				other.AddFieldToGet(&tablestore.FieldToGet{Name: name, Type: of})
			}
		}
		expect(t, "rows with another type", len(getAll(t, ots, other)), 0)
	}
}

func TestRowIsReplaced(t *testing.T) {
	ots := newTable(t, tableMeta("data", -1))
	series := key("replaced", "", nil)
	must(t, put(ots, "data", row(series, 5, fields{"a": int64(1), "b": "old"})))
	must(t, put(ots, "data", row(series, 5, fields{"b": 2.5})))
	rows := get(t, ots, "data", series)
	expect(t, "times", times(rows), []int64{5})
	expect(t, "fields", fieldsOf(rows[0]), fields{"b": 2.5})
	must(t, put(ots, "data", row(series, 5, fields{"a": int64(1)}), row(series, 5,
		fields{"z": int64(2)})))
	expect(t, "fields", fieldsOf(get(t, ots, "data", series)[0]), fields{"z": int64(2)})
}

func TestLargestRows(t *testing.T) {
	ots := newTable(t, tableMeta("data", -1))
	text, raw := strings.Repeat("x", 2*mib), bytes.Repeat([]byte{0x80}, 2*mib)
	widest := fields{strings.Repeat("n", 128): "longest name"}
	for i := int64(0); i < 1023; i++ {
		widest[fmt.Sprint("f", i)] = i
	}
	eachFormat(t, func(t *testing.T) {
		series := key("largest", t.Name(), nil)
		for at, has := range []fields{{"s": text}, {"b": raw}, widest} {
			must(t, put(ots, "data", row(series, int64(at), has)))
			rows := getAll(t, ots, getRequest("data", series, int64(at), int64(at)+1))
			expect(t, "fields", fieldsOf(rows[0]), has)
		}
		var rows []*tablestore.TimeseriesRow
		for i := int64(0); i < 200; i++ {
			rows = append(rows, row(key("many", t.Name(), tags{"n": fmt.Sprint(i)}), i,
				fields{"n": i}))
		}
		must(t, put(ots, "data", rows...))
		for _, wanted := range rows {
			got := get(t, ots, "data", wanted.GetTimeseriesKey())
			expect(t, "times", times(got), []int64{wanted.GetTimeInus()})
		}
	})
}

// Puts of one client from many sides, whose pool and cache of metadata they share.
func TestManyCallsAtOnce(t *testing.T) {
	ots := newTable(t, tableMeta("data", -1))
	const callers, puts = 16, 25
	var all sync.WaitGroup
	problems := make([]error, callers)
	for caller := 0; caller < callers; caller++ {
		all.Add(1)
		go func(caller int) {
			defer all.Done()
			series := key("at_once", fmt.Sprint(caller%4), nil)
			for i := 0; i < puts && problems[caller] == nil; i++ {
				at := int64(caller*puts + i)
				problems[caller] = put(ots, "data", row(series, at, fields{"x": at}))
			}
		}(caller)
	}
	all.Wait()
	rows := 0
	for caller := 0; caller < callers; caller++ {
		must(t, problems[caller])
		if caller < 4 {
			rows += len(get(t, ots, "data", key("at_once", fmt.Sprint(caller), nil)))
		}
	}
	expect(t, "rows", rows, callers*puts)
}
