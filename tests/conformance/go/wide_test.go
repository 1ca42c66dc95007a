package conformance

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
)

const (
	ignore   = tablestore.RowExistenceExpectation_IGNORE
	exists   = tablestore.RowExistenceExpectation_EXPECT_EXIST
	existsNo = tablestore.RowExistenceExpectation_EXPECT_NOT_EXIST
)

func wideMeta(name string) *tablestore.TableMeta {
	meta := &tablestore.TableMeta{TableName: name}
	meta.AddPrimaryKeyColumn("k", tablestore.PrimaryKeyType_BINARY)
	meta.AddPrimaryKeyColumn("n", tablestore.PrimaryKeyType_INTEGER)
	meta.AddPrimaryKeyColumn("s", tablestore.PrimaryKeyType_STRING)
	return meta
}

func createWide(ots *tablestore.TableStoreClient, meta *tablestore.TableMeta, seconds, versions int) error {
	_, err := ots.CreateTable(&tablestore.CreateTableRequest{TableMeta: meta,
		TableOption:        tablestore.NewTableOption(seconds, versions),
		ReservedThroughput: &tablestore.ReservedThroughput{}})
	return err
}

func newWide(t testing.TB, name string, versions int) *tablestore.TableStoreClient {
	t.Helper()
	ots := wideClient(t)
	must(t, createWide(ots, wideMeta(name), -1, versions))
	t.Cleanup(func() {
		if _, err := ots.DeleteTable(&tablestore.DeleteTableRequest{TableName: name}); err != nil {
			t.Error(err)
		}
	})
	return ots
}

func wideKey(k string, n int64, s string) *tablestore.PrimaryKey {
	made := new(tablestore.PrimaryKey)
	made.AddPrimaryKeyColumn("k", []byte(k))
	made.AddPrimaryKeyColumn("n", n)
	made.AddPrimaryKeyColumn("s", s)
	return made
}

func putChange(at *tablestore.PrimaryKey, has fields, expected tablestore.RowExistenceExpectation,
) *tablestore.PutRowChange {
	change := &tablestore.PutRowChange{TableName: "rows", PrimaryKey: at}
	change.SetCondition(expected)
	for name, value := range has {
		change.AddColumn(name, value)
	}
	return change
}

func putWide(ots *tablestore.TableStoreClient, change *tablestore.PutRowChange) error {
	_, err := ots.PutRow(&tablestore.PutRowRequest{PutRowChange: change})
	return err
}

func updateChange(at *tablestore.PrimaryKey, expected tablestore.RowExistenceExpectation,
) *tablestore.UpdateRowChange {
	change := &tablestore.UpdateRowChange{TableName: "rows", PrimaryKey: at}
	change.SetCondition(expected)
	return change
}

func updateWide(ots *tablestore.TableStoreClient, change *tablestore.UpdateRowChange) error {
	_, err := ots.UpdateRow(&tablestore.UpdateRowRequest{UpdateRowChange: change})
	return err
}

func deleteChange(at *tablestore.PrimaryKey, expected tablestore.RowExistenceExpectation,
) *tablestore.DeleteRowChange {
	change := &tablestore.DeleteRowChange{TableName: "rows", PrimaryKey: at}
	change.SetCondition(expected)
	return change
}

func deleteWide(ots *tablestore.TableStoreClient, change *tablestore.DeleteRowChange) error {
	_, err := ots.DeleteRow(&tablestore.DeleteRowRequest{DeleteRowChange: change})
	return err
}

func criteria(at *tablestore.PrimaryKey, versions int32) *tablestore.SingleRowQueryCriteria {
	return &tablestore.SingleRowQueryCriteria{TableName: "rows", PrimaryKey: at,
		MaxVersion: versions}
}

func getWide(t testing.TB, ots *tablestore.TableStoreClient, of *tablestore.SingleRowQueryCriteria,
) *tablestore.GetRowResponse {
	t.Helper()
	answer, err := ots.GetRow(&tablestore.GetRowRequest{SingleRowQueryCriteria: of})
	must(t, err)
	return answer
}

func columnsOf(columns []*tablestore.AttributeColumn) fields {
	all := fields{}
	for _, column := range columns {
		all[column.ColumnName] = column.Value
	}
	return all
}

func keyText(of *tablestore.PrimaryKey) string {
	var parts []string
	for _, column := range of.PrimaryKeys {
		parts = append(parts, column.ColumnName+"="+exact(column.Value))
	}
	return strings.Join(parts, " ")
}

func TestWideTables(t *testing.T) {
	ots := wideClient(t)
	meta := wideMeta("wide")
	kinds := []tablestore.DefinedColumnType{tablestore.DefinedColumn_INTEGER,
		tablestore.DefinedColumn_DOUBLE, tablestore.DefinedColumn_BOOLEAN,
		tablestore.DefinedColumn_STRING, tablestore.DefinedColumn_BINARY}
	meta.AddDefinedColumn("c", tablestore.DefinedColumn_BINARY)
	must(t, createWide(ots, meta, 2*day, 7))
	described, err := ots.DescribeTable(&tablestore.DescribeTableRequest{TableName: "wide"})
	must(t, err)
	for i, wanted := range meta.SchemaEntry {
		expect(t, "name of a key column", *described.TableMeta.SchemaEntry[i].Name, *wanted.Name)
		expect(t, "type of a key column", *described.TableMeta.SchemaEntry[i].Type, *wanted.Type)
	}
	expect(t, "defined columns", described.TableMeta.DefinedColumns[0].ColumnType, kinds[4])
	expect(t, "time to live", described.TableOption.TimeToAlive, 2*day)
	expect(t, "versions", described.TableOption.MaxVersion, 7)
	expect(t, "deviation", described.TableOption.DeviationCellVersionInSec, int64(day))
	expect(t, "throughput", *described.ReservedThroughput, tablestore.ReservedThroughput{})
	expect(t, "has a stream", described.StreamDetails.EnableStream, false)
	expectRefusal(t, createWide(ots, meta, -1, 1), alreadyThere, "Requested table already exists.")
	expectRefusal(t, createTable(seriesClient(t), tableMeta("wide", -1)), alreadyThere,
		"Requested table already exists.")
	newTable(t, tableMeta("series", -1))
	listed, err := ots.ListTable()
	must(t, err)
	expect(t, "tables", listed.TableNames, []string{"wide"})
	_, err = ots.DeleteTable(&tablestore.DeleteTableRequest{TableName: "series"})
	expectRefusal(t, err, notThere, "Requested table does not exist.")
	_, err = ots.DeleteTable(&tablestore.DeleteTableRequest{TableName: "wide"})
	must(t, err)
	_, err = ots.DescribeTable(&tablestore.DescribeTableRequest{TableName: "wide"})
	expectRefusal(t, err, notThere, "Requested table does not exist.")
	for i, kind := range kinds {
		meta = wideMeta(fmt.Sprint("kind", i))
		meta.AddDefinedColumn("c", kind)
		must(t, createWide(ots, meta, -1, 1))
		described, err = ots.DescribeTable(&tablestore.DescribeTableRequest{TableName: meta.TableName})
		must(t, err)
		expect(t, "type", described.TableMeta.DefinedColumns[0].ColumnType, kind)
		_, err = ots.DeleteTable(&tablestore.DeleteTableRequest{TableName: meta.TableName})
		must(t, err)
	}
}

func TestWideTableRefusals(t *testing.T) {
	ots := wideClient(t)
	five, twice := wideMeta("refused"), wideMeta("refused")
	five.AddPrimaryKeyColumn("4", tablestore.PrimaryKeyType_STRING)
	five.AddPrimaryKeyColumn("5", tablestore.PrimaryKeyType_STRING)
	twice.AddPrimaryKeyColumn("k", tablestore.PrimaryKeyType_STRING)
	many, key, counted := wideMeta("refused"), wideMeta("refused"), wideMeta("refused")
	key.AddDefinedColumn("k", tablestore.DefinedColumn_STRING)
	counted.AddPrimaryKeyColumnOption("c", tablestore.PrimaryKeyType_INTEGER,
		tablestore.AUTO_INCREMENT)
	for _, each := range []struct {
		meta              *tablestore.TableMeta
		seconds, versions int
		text              string
	}{
		{wideMeta("1st"), -1, 1, "table name: starts with a digit"},
		{wideMeta("refused"), day - 1, 1, "time to live: 86399 s is neither -1 nor at least 86400"},
		{wideMeta("refused"), -1, 0, "max versions: 0 instead of 1 to 100"},
		{wideMeta("refused"), -1, 101, "max versions: 101 instead of 1 to 100"},
		{five, -1, 1, "The number of primary key columns must be in range: [1, 4]."},
		{twice, -1, 1, "primary key column 4: named twice"},
		{key, -1, 1, "defined column 1: is a primary key"},
		{counted, -1, 1, "An option of a primary key column is not supported."},
	} {
		expectRefusal(t, createWide(ots, each.meta, each.seconds, each.versions), invalid, each.text)
	}
	for i := 0; i < 33; i++ {
		many.DefinedColumns = append(many.DefinedColumns, &tablestore.DefinedColumnSchema{
			Name: fmt.Sprint("c", i), ColumnType: tablestore.DefinedColumn_STRING})
	}
	expectRefusal(t, createWide(ots, many, -1, 1), invalid,
		"33 defined columns instead of at most 32")
	_, err := ots.CreateTable(&tablestore.CreateTableRequest{TableMeta: wideMeta("refused"),
		TableOption:        tablestore.NewTableOption(-1, 1),
		ReservedThroughput: &tablestore.ReservedThroughput{},
		StreamSpec:         &tablestore.StreamSpecification{EnableStream: true, ExpirationTime: 24}})
	expectRefusal(t, err, invalid, "A stream of a wide-column table is not supported.")
}

func TestWideTableUpdate(t *testing.T) {
	ots := newWide(t, "rows", 1)
	change := func(option *tablestore.TableOption) (*tablestore.UpdateTableResponse, error) {
		return ots.UpdateTable(&tablestore.UpdateTableRequest{TableName: "rows", TableOption: option})
	}
	option := tablestore.NewTableOption(2*day, 3)
	option.DeviationCellVersionInSec = 3 * day
	answer, err := change(option)
	must(t, err)
	described, err := ots.DescribeTable(&tablestore.DescribeTableRequest{TableName: "rows"})
	must(t, err)
	for _, got := range []*tablestore.TableOption{answer.TableOption, described.TableOption} {
		expect(t, "time to live", got.TimeToAlive, 2*day)
		expect(t, "versions", got.MaxVersion, 3)
		expect(t, "deviation", got.DeviationCellVersionInSec, int64(3*day))
	}
	expect(t, "throughput", *answer.ReservedThroughput, tablestore.ReservedThroughput{})
	expect(t, "has a stream", answer.StreamDetails.EnableStream, false)
	_, err = change(tablestore.NewTableOption(day-1, 3))
	expectRefusal(t, err, invalid, "time to live: 86399 s is neither -1 nor at least 86400")
	_, err = change(tablestore.NewTableOption(-1, 101))
	expectRefusal(t, err, invalid, "max versions: 101 instead of 1 to 100")
	_, err = ots.UpdateTable(&tablestore.UpdateTableRequest{TableName: "missing",
		TableOption: option})
	expectRefusal(t, err, notThere, "Requested table does not exist.")
	described, err = ots.DescribeTable(&tablestore.DescribeTableRequest{TableName: "rows"})
	must(t, err)
	expect(t, "time to live", described.TableOption.TimeToAlive, 2*day)
}

func TestWideTableQuota(t *testing.T) {
	for i := 0; i < 64; i++ {
		newWide(t, fmt.Sprint("quota_", i), 1)
	}
	expectRefusal(t, createWide(wideClient(t), wideMeta("quota_64"), -1, 1), quota,
		"The instance has 64 wide-column tables already.")
}

func TestWideValues(t *testing.T) {
	ots := newWide(t, "rows", 1)
	at := wideKey("\x00\xff", math.MinInt64, "温度")
	has := fields{}
	for name, value := range values {
		has[name] = value
	}
	change := putChange(at, has, existsNo)
	change.SetReturnPk()
	answer, err := ots.PutRow(&tablestore.PutRowRequest{PutRowChange: change})
	must(t, err)
	expect(t, "key", keyText(&answer.PrimaryKey), keyText(at))
	got := getWide(t, ots, criteria(at, 1))
	expect(t, "key", keyText(&got.PrimaryKey), keyText(at))
	expect(t, "values", exactly(columnsOf(got.Columns)), exactly(has))
	now := time.Now().UnixNano() / 1e6
	for _, column := range got.Columns {
		if column.Timestamp < now-60e3 || column.Timestamp > now+60e3 {
			t.Fatalf("version %d, now it is %d", column.Timestamp, now)
		}
	}
	none := getWide(t, ots, criteria(wideKey("", 0, ""), 1))
	expect(t, "key of a row that is not there", len(none.PrimaryKey.PrimaryKeys), 0)
}

func TestWideUpdates(t *testing.T) {
	ots := newWide(t, "rows", 5)
	at := wideKey("k", 1, "s")
	change := updateChange(at, ignore)
	change.PutColumn("a", int64(1))
	change.PutColumn("b", "x")
	change.PutColumn("c", int64(3))
	must(t, updateWide(ots, change))
	change = updateChange(at, exists)
	change.DeleteColumn("a")
	change.DeleteColumn("missing")
	change.IncrementColumn("c", -5)
	change.IncrementColumn("d", 7)
	must(t, updateWide(ots, change))
	expect(t, "columns", columnsOf(getWide(t, ots, criteria(at, 1)).Columns),
		fields{"b": "x", "c": int64(-2), "d": int64(7)})
	now := time.Now().UnixNano() / 1e6
	change = updateChange(at, exists)
	for _, back := range []int64{30, 10, 40, 20} {
		change.PutColumnWithTimestamp("v", back, now-back)
	}
	change.DeleteColumnWithTimestamp("v", now-10)
	must(t, updateWide(ots, change))
	of := criteria(at, 9)
	of.AddColumnToGet("v")
	var versions []int64
	for _, column := range getWide(t, ots, of).Columns {
		expect(t, "version", column.Timestamp, now-column.Value.(int64))
		versions = append(versions, column.Value.(int64))
	}
	expect(t, "versions", versions, []int64{20, 30, 40})
	of.MaxVersion, of.TimeRange = 0, &tablestore.TimeRange{Start: now - 30, End: now - 20}
	expect(t, "versions in a range", columnsOf(getWide(t, ots, of).Columns), fields{"v": int64(30)})
	of.TimeRange = &tablestore.TimeRange{Specific: now - 40}
	expect(t, "one version", columnsOf(getWide(t, ots, of).Columns), fields{"v": int64(40)})
	change = updateChange(at, ignore)
	change.IncrementColumn("b", 1)
	expectRefusal(t, updateWide(ots, change), invalid, "Only an integer column can be incremented.")
	expectRefusal(t, updateWide(ots, updateChange(at, ignore)), invalid,
		"No column is specified while updating row.")
}

func TestWideConditions(t *testing.T) {
	ots := newWide(t, "rows", 1)
	at, text := wideKey("k", 1, "s"), "Condition check failed."
	expectRefusal(t, putWide(ots, putChange(at, one, exists)), checkFailed, text)
	must(t, putWide(ots, putChange(at, one, existsNo)))
	expectRefusal(t, putWide(ots, putChange(at, one, existsNo)), checkFailed, text)
	must(t, putWide(ots, putChange(at, one, exists)))
	expectRefusal(t, deleteWide(ots, deleteChange(at, existsNo)), checkFailed, text)
	must(t, deleteWide(ots, deleteChange(at, exists)))
	expectRefusal(t, deleteWide(ots, deleteChange(at, exists)), checkFailed, text)
	must(t, deleteWide(ots, deleteChange(at, ignore)))
	update := updateChange(at, exists)
	update.PutColumn("a", "b")
	expectRefusal(t, updateWide(ots, update), checkFailed, text)
	expect(t, "columns", len(getWide(t, ots, criteria(at, 1)).Columns), 0)
}

func bound(option tablestore.PrimaryKeyOption) *tablestore.PrimaryKey {
	made := new(tablestore.PrimaryKey)
	for _, name := range []string{"k", "n", "s"} {
		made.PrimaryKeys = append(made.PrimaryKeys, &tablestore.PrimaryKeyColumn{ColumnName: name,
			PrimaryKeyOption: option})
	}
	return made
}

// The keys of a range, in pages of `limit`.
func keysOf(t testing.TB, ots *tablestore.TableStoreClient, direction tablestore.Direction,
	start, end *tablestore.PrimaryKey, limit int32) []string {
	t.Helper()
	all := []string{}
	for start != nil {
		page, err := ots.GetRange(&tablestore.GetRangeRequest{
			RangeRowQueryCriteria: &tablestore.RangeRowQueryCriteria{TableName: "rows",
				StartPrimaryKey: start, EndPrimaryKey: end, Direction: direction, MaxVersion: 1,
				Limit: limit}})
		must(t, err)
		if len(page.Rows) > int(limit) {
			t.Fatalf("%d rows in a page of %d", len(page.Rows), limit)
		}
		for _, each := range page.Rows {
			all = append(all, keyText(each.PrimaryKey))
		}
		start = page.NextStartPrimaryKey
	}
	return all
}

func TestWideRanges(t *testing.T) {
	ots := newWide(t, "rows", 1)
	var ascending []string
	batch := &tablestore.BatchWriteRowRequest{}
	for _, k := range []string{"", "\x00", "\x00\x00", "\x00\x01", "\x01", "\xff"} {
		for _, n := range []int64{math.MinInt64, -256, -1, 0, 1, 255, 256, math.MaxInt64} {
			for _, s := range []string{"", "a", "温"} {
				batch.AddRowChange(putChange(wideKey(k, n, s), one, ignore))
				ascending = append(ascending, keyText(wideKey(k, n, s)))
			}
		}
	}
	answer, err := ots.BatchWriteRow(batch)
	must(t, err)
	for _, each := range answer.TableToRowsResult["rows"] {
		expect(t, each.Error.Message, each.IsSucceed, true)
	}
	low, high := bound(tablestore.MIN), bound(tablestore.MAX)
	descending := append([]string{}, ascending...)
	for i, j := 0, len(descending)-1; i < j; i, j = i+1, j-1 {
		descending[i], descending[j] = descending[j], descending[i]
	}
	for _, limit := range []int32{1, 7, 143, 144, 5000} {
		expect(t, "forward", keysOf(t, ots, tablestore.FORWARD, low, high, limit), ascending)
		expect(t, "backward", keysOf(t, ots, tablestore.BACKWARD, high, low, limit), descending)
	}
	first, last := wideKey("\x00", -1, "a"), wideKey("\x01", 0, "")
	from, to := 0, 0
	for i, text := range ascending {
		if text == keyText(first) {
			from = i
		}
		if text == keyText(last) {
			to = i
		}
	}
	expect(t, "range", keysOf(t, ots, tablestore.FORWARD, first, last, 10), ascending[from:to])
	_, err = ots.GetRange(&tablestore.GetRangeRequest{
		RangeRowQueryCriteria: &tablestore.RangeRowQueryCriteria{TableName: "rows",
			StartPrimaryKey: last, EndPrimaryKey: first, MaxVersion: 1}})
	expectRefusal(t, err, invalid, "Begin key must less than end key in FORWARD.")
	_, err = ots.GetRange(&tablestore.GetRangeRequest{
		RangeRowQueryCriteria: &tablestore.RangeRowQueryCriteria{TableName: "rows",
			StartPrimaryKey: first, EndPrimaryKey: last, MaxVersion: 1,
			Direction: tablestore.BACKWARD}})
	expectRefusal(t, err, invalid, "Begin key must more than end key in BACKWARD.")
}

func TestWideBatches(t *testing.T) {
	ots := newWide(t, "rows", 1)
	must(t, putWide(ots, putChange(wideKey("k", 6, ""), fields{"a": int64(1)}, ignore)))
	update := updateChange(wideKey("k", 6, ""), exists)
	update.PutColumn("b", int64(2))
	batch := &tablestore.BatchWriteRowRequest{}
	batch.AddRowChange(putChange(wideKey("k", 5, ""), fields{"a": int64(5)}, existsNo))
	batch.AddRowChange(update)
	batch.AddRowChange(deleteChange(wideKey("k", 7, ""), exists))
	answer, err := ots.BatchWriteRow(batch)
	must(t, err)
	results := answer.TableToRowsResult["rows"]
	for i, wanted := range []string{"", "", "OTSConditionCheckFail"} {
		expect(t, "code", results[i].Error.Code, wanted)
		expect(t, "is done", results[i].IsSucceed, wanted == "")
	}
	many := &tablestore.MultiRowQueryCriteria{TableName: "rows", MaxVersion: 1}
	for _, n := range []int64{6, 7, 5} {
		many.AddRow(wideKey("k", n, ""))
	}
	missing := &tablestore.MultiRowQueryCriteria{TableName: "missing", MaxVersion: 1}
	missing.AddRow(wideKey("k", 1, ""))
	found, err := ots.BatchGetRow(&tablestore.BatchGetRowRequest{
		MultiRowQueryCriteria: []*tablestore.MultiRowQueryCriteria{many, missing}})
	must(t, err)
	for i, wanted := range []fields{{"a": int64(1), "b": int64(2)}, {}, {"a": int64(5)}} {
		expect(t, "columns", columnsOf(found.TableToRowsResult["rows"][i].Columns), wanted)
	}
	expect(t, "code", found.TableToRowsResult["missing"][0].Error.Code, "OTSObjectNotExist")
	batch = &tablestore.BatchWriteRowRequest{}
	for n := int64(0); n < 201; n++ {
		batch.AddRowChange(putChange(wideKey("many", n, ""), one, ignore))
	}
	_, err = ots.BatchWriteRow(batch)
	expectRefusal(t, err, invalid, "201 rows instead of 1 to 200.")
	many = &tablestore.MultiRowQueryCriteria{TableName: "rows", MaxVersion: 1}
	for n := int64(0); n < 101; n++ {
		many.AddRow(wideKey("many", n, ""))
	}
	_, err = ots.BatchGetRow(&tablestore.BatchGetRowRequest{
		MultiRowQueryCriteria: []*tablestore.MultiRowQueryCriteria{many}})
	expectRefusal(t, err, invalid, "101 rows instead of 1 to 100.")
	batch = &tablestore.BatchWriteRowRequest{IsAtomic: true}
	batch.AddRowChange(putChange(wideKey("k", 9, ""), one, ignore))
	_, err = ots.BatchWriteRow(batch)
	expectRefusal(t, err, invalid, "An atomic batch is not supported.")
	expect(t, "columns", len(getWide(t, ots, criteria(wideKey("k", 9, ""), 1)).Columns), 0)
}

func TestWideRefusals(t *testing.T) {
	ots := newWide(t, "rows", 1)
	at := wideKey("k", 1, "s")
	short, mixed := wideKey("k", 1, "s"), wideKey("k", 1, "s")
	short.PrimaryKeys = short.PrimaryKeys[:2]
	mixed.PrimaryKeys[0], mixed.PrimaryKeys[1] = mixed.PrimaryKeys[1], mixed.PrimaryKeys[0]
	wide, large := manyFields(1025), fields{}
	for i := 0; i < 2; i++ {
		large[fmt.Sprint("c", i)] = bytes.Repeat([]byte{1}, 2*mib)
	}
	old := putChange(at, nil, ignore)
	old.AddColumnWithTimestamp("a", "b", 1)
	filtered := putChange(at, one, ignore)
	filtered.SetColumnCondition(tablestore.NewSingleColumnCondition("a", tablestore.CT_EQUAL, "b"))
	missing := putChange(at, one, ignore)
	missing.TableName = "missing"
	for _, each := range []struct {
		change *tablestore.PutRowChange
		wanted code
		text   string
	}{
		{putChange(short, one, ignore), invalidKey, "Primary key schema mismatch."},
		{putChange(mixed, one, ignore), invalidKey, "Primary key schema mismatch."},
		{putChange(wideKey(strings.Repeat("k", 1025), 1, ""), one, ignore), invalid,
			"primary key column 1 is 1025 bytes instead of at most 1024."},
		{putChange(at, fields{"n": "v"}, ignore), invalid, "the name of a primary key column."},
		{putChange(at, fields{strings.Repeat("c", 256): "v"}, ignore), invalid,
			"name is 256 bytes instead of 1 to 255."},
		{putChange(at, fields{"c": strings.Repeat("v", 2*mib+1)}, ignore), invalid,
			"value is 2097153 bytes instead of at most 2097152."},
		{putChange(at, wide, ignore), code{"OTSOutOfColumnCountLimit", 400},
			"The number of columns is 1025 instead of at most 1024."},
		{putChange(at, large, ignore), code{"OTSOutOfRowSizeLimit", 400},
			"instead of at most 4194304."},
		{old, invalid, "The version 1 of a cell is 86400 s or more from now."},
		{filtered, invalid, "A column condition is not supported."},
		{missing, notThere, "Requested table does not exist."},
	} {
		expectRefusal(t, putWide(ots, each.change), each.wanted, each.text)
	}
	of := criteria(at, -1)
	_, err := ots.GetRow(&tablestore.GetRowRequest{SingleRowQueryCriteria: of})
	expectRefusal(t, err, invalid, "The max versions must be greater than 0.")
	of = criteria(at, 1)
	of.SetFilter(tablestore.NewSingleColumnCondition("a", tablestore.CT_EQUAL, "b"))
	_, err = ots.GetRow(&tablestore.GetRowRequest{SingleRowQueryCriteria: of})
	expectRefusal(t, err, invalid, "A filter is not supported.")
	returning := updateChange(at, ignore)
	returning.IncrementColumn("a", 1)
	returning.SetReturnIncrementValue()
	expectRefusal(t, updateWide(ots, returning), invalid,
		"Returning what was modified is not supported.")
	expect(t, "columns", len(getWide(t, ots, criteria(at, 1)).Columns), 0)
}

// The wide-column table behind a time-series table: described, and read as a whole.
func TestPhysicalTable(t *testing.T) {
	series := newTable(t, tableMeta("seen", -1))
	must(t, put(series, "seen", row(key("m", "s", tags{"a": "b"}), 1000, fields{"x": 0.5})))
	ots := wideClient(t)
	described, err := ots.DescribeTable(&tablestore.DescribeTableRequest{TableName: "seen#timeseries"})
	must(t, err)
	var names []string
	for _, column := range described.TableMeta.SchemaEntry {
		names = append(names, *column.Name)
	}
	expect(t, "key", names, []string{"_#h", "_m_name", "_data_source", "_tags", "_time"})
	low, high := new(tablestore.PrimaryKey), new(tablestore.PrimaryKey)
	for _, name := range names {
		low.AddPrimaryKeyColumnWithMinValue(name)
		high.AddPrimaryKeyColumnWithMaxValue(name)
	}
	page, err := ots.GetRange(&tablestore.GetRangeRequest{
		RangeRowQueryCriteria: &tablestore.RangeRowQueryCriteria{TableName: "seen#timeseries",
			StartPrimaryKey: low, EndPrimaryKey: high, MaxVersion: 1}})
	must(t, err)
	expect(t, "rows", len(page.Rows), 1)
	expect(t, "columns", columnsOf(page.Rows[0].Columns), fields{"x:d": 0.5})
	expect(t, "time", page.Rows[0].PrimaryKey.PrimaryKeys[4].Value, int64(1000))
	expect(t, "version", page.Rows[0].Columns[0].Timestamp, int64(1))
}
