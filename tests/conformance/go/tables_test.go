package conformance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
)

func describe(t testing.TB, ots *tablestore.TimeseriesClient, name string,
) *tablestore.TimeseriesTableMeta {
	t.Helper()
	answer, err := ots.DescribeTimeseriesTable(tablestore.NewDescribeTimeseriesTableRequset(name))
	must(t, err)
	expect(t, "analytical stores", len(answer.GetAnalyticalStores()), 0)
	expect(t, "lastpoint indexes", len(answer.GetLastpointIndexNames()), 0)
	return answer.GetTimeseriesTableMeta()
}

func timeToLive(meta *tablestore.TimeseriesTableMeta) int64 {
	return meta.GetTimeseriesTableOPtions().GetTimeToLive()
}

func updateTable(ots *tablestore.TimeseriesClient, name string, timeToLive int64) error {
	request := tablestore.NewUpdateTimeseriesTableRequest(name)
	request.SetTimeseriesTableOptions(tablestore.NewTimeseriesTableOptions(timeToLive))
	_, err := ots.UpdateTimeseriesTable(request)
	return err
}

func list(t testing.TB, ots *tablestore.TimeseriesClient) map[string]int64 {
	t.Helper()
	answer, err := ots.ListTimeseriesTable()
	must(t, err)
	tables := map[string]int64{}
	for _, meta := range answer.GetTimeseriesTableMeta() {
		tables[meta.GetTimeseriesTableName()] = timeToLive(meta)
	}
	return tables
}

func TestTableLife(t *testing.T) {
	ots := seriesClient(t)
	must(t, createTable(ots, tableMeta("life", 2*day)))
	expect(t, "time to live", timeToLive(describe(t, ots, "life")), int64(2*day))
	expect(t, "list", list(t, ots), map[string]int64{"life": 2 * day})
	must(t, put(ots, "life", row(key("m", "", nil), nowUs(), fields{"x": int64(1)})))
	must(t, deleteTable(ots, "life"))
	expect(t, "list", list(t, ots), map[string]int64{})
	expectRefusal(t, deleteTable(ots, "life"), notThere, "Requested table does not exist.")
	must(t, createTable(ots, tableMeta("life", -1)))
	expect(t, "rows in a table made anew", len(get(t, ots, "life", key("m", "", nil))), 0)
	must(t, deleteTable(ots, "life"))
}

func TestTableNames(t *testing.T) {
	ots := seriesClient(t)
	for _, name := range []string{"t", "_", "T_1", strings.Repeat("t", 128)} {
		newTable(t, tableMeta(name, -1))
		expect(t, "name", describe(t, ots, name).GetTimeseriesTableName(), name)
	}
	for name, text := range map[string]string{
		"":                       "table name: 0 bytes instead of 1 to 128",
		strings.Repeat("t", 129): "table name: 129 bytes instead of 1 to 128",
		"1st":                    "table name: starts with a digit",
		"with-dash":              "table name: byte 5 is none of",
		"a b":                    "table name: byte 2 is none of",
		"t#timeseries":           "table name: byte 2 is none of",
		"温度":                     "table name: byte 1 is none of",
	} {
		expectRefusal(t, createTable(ots, tableMeta(name, -1)), invalid, text)
	}
}

func TestTableTimeToLive(t *testing.T) {
	ots := newTable(t, tableMeta("ttl", -1))
	for _, seconds := range []int64{day, 7 * day, 1<<31 - 1, -1} {
		must(t, updateTable(ots, "ttl", seconds))
		expect(t, "time to live", timeToLive(describe(t, ots, "ttl")), seconds)
	}
	for _, seconds := range []int64{day - 1, 1, 0, -2, -1 << 31} {
		text := fmt.Sprintf("time to live: %d s is neither -1 nor at least 86400", seconds)
		expectRefusal(t, createTable(ots, tableMeta("refused", seconds)), invalid, text)
		expectRefusal(t, updateTable(ots, "ttl", seconds), invalid, text)
	}
	expect(t, "time to live", timeToLive(describe(t, ots, "ttl")), int64(-1))
	expectRefusal(t, updateTable(ots, "missing", day), notThere, "does not exist")
}

// A row expires by its own time, whenever the time to live was set.
func TestRowsExpire(t *testing.T) {
	ots := newTable(t, tableMeta("expiring", -1))
	series := key("m", "", nil)
	now := nowUs()
	old, young := now-2*day*1e6, now-day*1e6+60e6
	must(t, put(ots, "expiring", row(series, old, fields{"x": "old"}),
		row(series, young, fields{"x": "young"})))
	expect(t, "times", times(get(t, ots, "expiring", series)), []int64{old, young})
	must(t, updateTable(ots, "expiring", day))
	expect(t, "times", times(get(t, ots, "expiring", series)), []int64{young})
	must(t, put(ots, "expiring", row(series, old+1, fields{"x": "late"})))
	expect(t, "times", times(get(t, ots, "expiring", series)), []int64{young})
}

func TestTableThatExists(t *testing.T) {
	ots := newTable(t, tableMeta("taken", -1))
	for _, seconds := range []int64{-1, day} {
		expectRefusal(t, createTable(ots, tableMeta("taken", seconds)), alreadyThere,
			"Requested table already exists.")
	}
	expect(t, "time to live", timeToLive(describe(t, ots, "taken")), int64(-1))
}

func TestTableQuota(t *testing.T) {
	ots := seriesClient(t)
	for i := 0; i < 64; i++ {
		newTable(t, tableMeta(fmt.Sprintf("quota_%d", i), -1))
	}
	expectRefusal(t, createTable(ots, tableMeta("quota_64", -1)), quota,
		"The instance has 64 timeseries tables already.")
	expect(t, "tables", len(list(t, ots)), 64)
}

// A creation names analytical stores or lastpoint indexes; it may say that it could have the former.
func TestTableExtensions(t *testing.T) {
	ots := seriesClient(t)
	for text, change := range map[string]func(*tablestore.CreateTimeseriesTableRequest){
		"analytical stores are not supported": func(request *tablestore.CreateTimeseriesTableRequest) {
			request.SetAnalyticalStores([]*tablestore.TimeseriesAnalyticalStore{
				tablestore.NewTimeseriesAnalyticalStore("store")})
		},
		"lastpoint indexes are not supported": func(request *tablestore.CreateTimeseriesTableRequest) {
			request.SetLastpointIndexNames([]string{"index"})
		},
	} {
		request := tablestore.NewCreateTimeseriesTableRequest()
		request.SetTimeseriesTableMeta(tableMeta("extended", -1))
		change(request)
		_, err := ots.CreateTimeseriesTable(request)
		expectRefusal(t, err, unsupported, text)
	}
	for _, enable := range []bool{false, true} {
		request := tablestore.NewCreateTimeseriesTableRequest()
		request.SetTimeseriesTableMeta(tableMeta("extended", -1))
		request.SetEnableAnalyticalStore(enable)
		_, err := ots.CreateTimeseriesTable(request)
		must(t, err)
		describe(t, ots, "extended")
		must(t, deleteTable(ots, "extended"))
	}
	text := "Lastpoint indexes and analytical stores are not supported."
	_, err := ots.CreateTimeseriesLastpointIndex(
		tablestore.NewCreateTimeseriesLastpointIndexRequest("t", "i", true))
	expectRefusal(t, err, unsupported, text)
	_, err = ots.DeleteTimeseriesLastpointIndex(
		tablestore.NewDeleteTimeseriesLastpointIndexRequest("t", "i"))
	expectRefusal(t, err, unsupported, text)
	_, err = ots.CreateTimeseriesAnalyticalStore(tablestore.NewCreateTimeseriesAnalyticalStoreRequest(
		"t", tablestore.NewTimeseriesAnalyticalStore("s")))
	expectRefusal(t, err, unsupported, text)
	_, err = ots.DescribeTimeseriesAnalyticalStore(
		tablestore.NewDescribeTimeseriesAnalyticalStoreRequest("t", "s"))
	expectRefusal(t, err, unsupported, text)
	_, err = ots.UpdateTimeseriesAnalyticalStore(tablestore.NewUpdateTimeseriesAnalyticalStoreRequest(
		"t", tablestore.NewTimeseriesAnalyticalStore("s")))
	expectRefusal(t, err, unsupported, text)
	_, err = ots.DeleteTimeseriesAnalyticalStore(
		tablestore.NewDeleteTimeseriesAnalyticalStoreRequest("t", "s"))
	expectRefusal(t, err, unsupported, text)
}

// ---- identifiers and key fields of a table's own ----

func ownMeta(name string) *tablestore.TimeseriesTableMeta {
	meta := tableMeta(name, -1)
	meta.AddTimeseriesKey("host")
	meta.AddTimeseriesKey("_tags")
	meta.AddFieldPrimaryKey("gid", tablestore.PrimaryKeyType_INTEGER)
	meta.AddFieldPrimaryKey("uid", tablestore.PrimaryKeyType_STRING)
	return meta
}

func TestOwnIdentifiers(t *testing.T) {
	ots := newTable(t, ownMeta("own"))
	meta := describe(t, ots, "own")
	expect(t, "identifiers", meta.GetTimeseriesKeys(), []string{"host", "_tags"})
	for i, wanted := range ownMeta("own").GetFieldPrimaryKeys() {
		expect(t, "name of a key field", *meta.GetFieldPrimaryKeys()[i].Name, *wanted.Name)
		expect(t, "type of a key field", *meta.GetFieldPrimaryKeys()[i].Type, *wanted.Type)
	}
	eachFormat(t, func(t *testing.T) {
		series := key("", "", tags{"host": "h, 1", "other": t.Name()})
		var wanted []map[string]string
		var rows []*tablestore.TimeseriesRow
		for _, gid := range []int64{-1 << 63, -1, 0, 1<<63 - 1} {
			for _, uid := range []string{"", "a", "温"} {
				has := fields{"gid": gid, "uid": uid, "x": 0.5}
				rows = append(rows, row(series, 7, has))
				wanted = append(wanted, exactly(has))
			}
		}
		must(t, put(ots, "own", rows...))
		var got []map[string]string
		for _, each := range get(t, ots, "own", series) {
			expect(t, "key", identity(each.GetTimeseriesKey()), identity(series))
			got = append(got, exactly(fieldsOf(each)))
		}
		expect(t, "rows of one time", got, wanted)
	})
}

func TestOwnIdentifiersRefusals(t *testing.T) {
	ots := newTable(t, ownMeta("own"))
	good := key("", "", tags{"host": "h"})
	has := fields{"gid": int64(1), "uid": "u", "x": int64(1)}
	for text, bad := range map[string]*tablestore.TimeseriesRow{
		"measurement: no identifier of the table":   row(key("m", "", tags{"host": "h"}), 1, has),
		"data source: no identifier of the table":   row(key("", "s", tags{"host": "h"}), 1, has),
		"tag \"host\": missing, the table has it":   row(key("", "", tags{"a": "h"}), 1, has),
		"missing primary key fields: \"gid\"":       row(good, 1, fields{"uid": "u", "x": int64(1)}),
		"field \"gid\": STRING, but its key is INT": row(good, 1, fields{"gid": "1", "uid": "u"}),
		"field \"uid\": 1025 bytes, a key has at most 1024": row(good, 1,
			fields{"gid": int64(1), "uid": strings.Repeat("u", 1025)}),
	} {
		expectRefusal(t, put(ots, "own", row(good, 1, has), bad), invalid, text)
		expect(t, "rows", len(get(t, ots, "own", good)), 0)
	}
	for text, change := range map[string]func(*tablestore.TimeseriesTableMeta){
		"identifiers: 7 instead of at most 6": func(meta *tablestore.TimeseriesTableMeta) {
			for i := 0; i < 7; i++ {
				meta.AddTimeseriesKey(fmt.Sprint("k", i))
			}
		},
		"identifier 2: named twice": func(meta *tablestore.TimeseriesTableMeta) {
			meta.AddTimeseriesKey("k")
			meta.AddTimeseriesKey("k")
		},
		"identifier 1: a reserved name": func(meta *tablestore.TimeseriesTableMeta) {
			meta.AddTimeseriesKey("_time")
		},
		"key fields: 5 instead of at most 4": func(meta *tablestore.TimeseriesTableMeta) {
			for i := 0; i < 5; i++ {
				meta.AddFieldPrimaryKey(fmt.Sprint("k", i), tablestore.PrimaryKeyType_STRING)
			}
		},
	} {
		meta := tableMeta("refused", -1)
		change(meta)
		expectRefusal(t, createTable(ots, meta), invalid, text)
	}
}
