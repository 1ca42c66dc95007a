package conformance

import (
	"fmt"
	"testing"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore/otsprotocol"
	"github.com/golang/protobuf/proto"
)

// The one stream of a table.
func streamOf(t testing.TB, table string) tablestore.Stream {
	t.Helper()
	answer, err := wideClient(t).ListStream(&tablestore.ListStreamRequest{TableName: &table})
	must(t, err)
	expect(t, "streams", len(answer.Streams), 1)
	expect(t, "table", *answer.Streams[0].TableName, table)
	return answer.Streams[0]
}

// DescribeStream for one who knows of time-series tables: the SDK has no member for that.
func describeStream(t testing.TB, id tablestore.StreamId, first *string, limit int32,
) *otsprotocol.DescribeStreamResponse {
	t.Helper()
	request := &otsprotocol.DescribeStreamRequest{StreamId: proto.String(string(id)),
		InclusiveStartShardId: first, XXX_unrecognized: []byte{4 << 3, 1}}
	if limit > 0 {
		request.ShardLimit = &limit
	}
	answer := new(otsprotocol.DescribeStreamResponse)
	must(t, send(t, "DescribeStream", request, answer))
	expect(t, "is of a time-series table", answer.XXX_unrecognized, []byte{8 << 3, 1})
	return answer
}

func shardsOf(t testing.TB, id tablestore.StreamId) []*otsprotocol.StreamShard {
	t.Helper()
	return describeStream(t, id, nil, 0).Shards
}

func iterator(t testing.TB, id tablestore.StreamId, shard string, timeUs *int64) *tablestore.ShardIterator {
	t.Helper()
	of := tablestore.ShardId(shard)
	answer, err := wideClient(t).GetShardIterator(&tablestore.GetShardIteratorRequest{
		StreamId: &id, ShardId: &of, Timestamp: timeUs})
	must(t, err)
	return answer.ShardIterator
}

// The records from there on, in pages of `limit`, until a page is empty or the shard has ended.
func records(t testing.TB, from *tablestore.ShardIterator, limit int32) []*tablestore.StreamRecord {
	t.Helper()
	var all []*tablestore.StreamRecord
	for from != nil {
		page, err := wideClient(t).GetStreamRecord(&tablestore.GetStreamRecordRequest{
			ShardIterator: from, Limit: &limit})
		must(t, err)
		if len(page.Records) > int(limit) {
			t.Fatalf("%d records in a page of %d", len(page.Records), limit)
		}
		if len(page.Records) == 0 {
			if page.NextShardIterator != nil {
				expect(t, "iterator of an empty page", *page.NextShardIterator, *from)
				expect(t, "may have more", *page.MayMoreRecord, false)
			}
			break
		}
		all = append(all, page.Records...)
		from = page.NextShardIterator
	}
	return all
}

// All records of a stream, shard after shard.
func everyRecord(t testing.TB, id tablestore.StreamId, limit int32) []*tablestore.StreamRecord {
	t.Helper()
	var all []*tablestore.StreamRecord
	for _, shard := range shardsOf(t, id) {
		all = append(all, records(t, iterator(t, id, shard.GetShardId(), nil), limit)...)
	}
	return all
}

// A record's key by name, and its columns bit for bit.
func contentOf(t testing.TB, record *tablestore.StreamRecord) (map[string]interface{}, map[string]string) {
	t.Helper()
	has, columns := map[string]interface{}{}, map[string]string{}
	for i, name := range []string{"_#h", "_m_name", "_data_source", "_tags", "_time"} {
		expect(t, "key column", record.PrimaryKey.PrimaryKeys[i].ColumnName, name)
		has[name] = record.PrimaryKey.PrimaryKeys[i].Value
	}
	expect(t, "key columns", len(record.PrimaryKey.PrimaryKeys), 5)
	expect(t, "type", record.Type, tablestore.AT_Put)
	for _, column := range record.Columns {
		expect(t, "type of a column", column.Type, tablestore.RCT_Put)
		columns[*column.Name] = exact(column.Value)
	}
	return has, columns
}

func TestStreamOfTable(t *testing.T) {
	before := nowUs()
	newTable(t, tableMeta("streamed", -1))
	newTable(t, tableMeta("other", -1))
	stream := streamOf(t, "streamed")
	if stream.CreationTime < before-60e6 || stream.CreationTime > nowUs()+60e6 {
		t.Fatalf("made at %d, now it is %d", stream.CreationTime, nowUs())
	}
	answer, err := wideClient(t).ListStream(&tablestore.ListStreamRequest{})
	must(t, err)
	expect(t, "streams of all tables", len(answer.Streams), 2)
	missing := "missing"
	answer, err = wideClient(t).ListStream(&tablestore.ListStreamRequest{TableName: &missing})
	must(t, err)
	expect(t, "streams of a missing table", len(answer.Streams), 0)
	_, err = wideClient(t).DescribeStream(&tablestore.DescribeStreamRequest{StreamId: stream.Id})
	expectRefusal(t, err, invalid,
		"Table [streamed] is a timeseries table, not support DescribeStream")
	described := describeStream(t, *stream.Id, nil, 0)
	expect(t, "id", described.GetStreamId(), string(*stream.Id))
	expect(t, "table", described.GetTableName(), "streamed")
	expect(t, "created", described.GetCreationTime(), stream.CreationTime)
	expect(t, "kept for", described.GetExpirationTime(), int32(168))
	expect(t, "status", described.GetStreamStatus(), otsprotocol.StreamStatus_STREAM_ACTIVE)
}

func TestStreamRecords(t *testing.T) {
	ots := newTable(t, tableMeta("streamed", -1))
	id := *streamOf(t, "streamed").Id
	expect(t, "records", len(everyRecord(t, id, 10)), 0)
	suffixes := map[string]string{"int64": "i", "float64": "d", "bool": "b", "string": "s",
		"[]uint8": "r"}
	wanted := map[string]string{}
	for name, value := range values {
		wanted[name+":"+suffixes[fmt.Sprintf("%T", value)]] = exact(value)
	}
	eachFormat(t, func(t *testing.T) {
		series := key("m", t.Name(), tags{"b": "2", "a": "1"})
		must(t, put(ots, "streamed", row(series, 1700000000123456, values)))
		all := everyRecord(t, id, 1)
		record := all[len(all)-1]
		has, columns := contentOf(t, record)
		delete(has, "_#h")
		expect(t, "key", has, map[string]interface{}{"_m_name": "m", "_data_source": t.Name(),
			"_tags": `["a=1","b=2"]`, "_time": int64(1700000000123456)})
		expect(t, "columns", columns, wanted)
		for _, column := range record.Columns {
			expect(t, "version", *column.Timestamp, int64(1700000000123))
		}
	})
	expect(t, "records", len(everyRecord(t, id, 1)), 2)
}

// Puts in their order, whatever the pages; each replaced row too; none for anything else.
func TestStreamOrder(t *testing.T) {
	ots := newTable(t, tableMeta("streamed", -1))
	id := *streamOf(t, "streamed").Id
	series := key("m", "", nil)
	for i := int64(0); i < 20; i++ {
		must(t, put(ots, "streamed", row(series, i%3, fields{"x": i}), row(series, 7,
			fields{"x": i + 100})))
	}
	deletion := tablestore.NewDeleteTimeseriesMetaRequest("streamed")
	deletion.AddTimeseriesKeys(series)
	_, err := ots.DeleteTimeseriesMeta(deletion)
	must(t, err)
	for _, limit := range []int32{1, 2, 3, 39, 40, 41, 5000} {
		all := everyRecord(t, id, limit)
		expect(t, fmt.Sprint("records in pages of ", limit), len(all), 40)
		for i, record := range all {
			_, columns := contentOf(t, record)
			expect(t, "value", columns, exactly(fields{"x:i": int64(i/2 + i%2*100)}))
			expect(t, "index of the row", record.Info.RowIndex, int32(i%2))
			expect(t, "epoch", record.Info.Epoch, int32(0))
			if i > 0 && i%2 == 0 && record.Info.Timestamp <= all[i-1].Info.Timestamp {
				t.Fatal("times that do not ascend")
			}
		}
	}
}

func TestStreamPositions(t *testing.T) {
	ots := newTable(t, tableMeta("streamed", -1))
	id := *streamOf(t, "streamed").Id
	series := key("m", "", nil)
	for i := int64(0); i < 10; i++ {
		must(t, put(ots, "streamed", row(series, i, fields{"x": i})))
	}
	var all []*tablestore.StreamRecord
	var shard string
	for _, each := range shardsOf(t, id) {
		if found := records(t, iterator(t, id, each.GetShardId(), nil), 100); len(found) > 0 {
			all, shard = found, each.GetShardId()
		}
	}
	expect(t, "records", len(all), 10)
	for i, record := range all {
		exactlyThen, before := record.Info.Timestamp, record.Info.Timestamp-1
		expect(t, "records from then on", len(records(t, iterator(t, id, shard, &exactlyThen), 3)),
			10-i)
		if i > 0 && before > all[i-1].Info.Timestamp {
			expect(t, "records from before", len(records(t, iterator(t, id, shard, &before), 3)), 10-i)
		}
	}
	late := nowUs() + 3600e6
	end := iterator(t, id, shard, &late)
	expect(t, "records of the future", len(records(t, end, 3)), 0)
	must(t, put(ots, "streamed", row(series, 11, fields{"x": int64(11)})))
	expect(t, "records that came", len(records(t, end, 3)), 1)
}

func TestStreamShards(t *testing.T) {
	ots := newTable(t, tableMeta("streamed", -1))
	id := *streamOf(t, "streamed").Id
	putMany := func(at int64) {
		for i := 0; i < 50; i++ {
			must(t, put(ots, "streamed", row(key("m", fmt.Sprint(i), nil), at, one)))
		}
	}
	putMany(1)
	first := shardsOf(t, id)[0].GetShardId()
	shards := len(shardsOf(t, id))
	admin(t, "streams", fmt.Sprintf(`{"table": "streamed", "split": %q}`, first))
	putMany(2)
	after := shardsOf(t, id)
	expect(t, "shards", len(after), shards+2)
	var children []string
	for _, shard := range after {
		if shard.GetParentId() == first {
			children = append(children, shard.GetShardId())
		}
	}
	expect(t, "children", len(children), 2)
	admin(t, "streams", fmt.Sprintf(`{"table": "streamed", "merge": [%q, %q]}`, children[0],
		children[1]))
	putMany(3)
	last := shardsOf(t, id)[len(after)]
	expect(t, "parents", []string{last.GetParentId(), last.GetParentSiblingId()}, children)
	seen := map[string]int64{}
	for _, record := range everyRecord(t, id, 7) {
		has, _ := contentOf(t, record)
		source := has["_data_source"].(string)
		expect(t, "time of "+source, has["_time"], seen[source]+1)
		seen[source]++
	}
	expect(t, "timelines", len(seen), 50)
	var paged []string
	page := describeStream(t, id, nil, 1)
	for {
		expect(t, "shards in a page", len(page.Shards), 1)
		paged = append(paged, page.Shards[0].GetShardId())
		if page.NextShardId == nil {
			break
		}
		page = describeStream(t, id, page.NextShardId, 1)
	}
	expect(t, "shards", len(paged), len(after)+1)
}

func TestStreamRefusals(t *testing.T) {
	ots := wideClient(t)
	series := newTable(t, tableMeta("streamed", -1))
	must(t, createTable(series, tableMeta("gone", -1)))
	id, lost := *streamOf(t, "streamed").Id, *streamOf(t, "gone").Id
	shard := tablestore.ShardId(shardsOf(t, id)[0].GetShardId())
	stale := iterator(t, lost, shardsOf(t, lost)[0].GetShardId(), nil)
	must(t, deleteTable(series, "gone"))
	page := func(from string, limit int32) error {
		place := tablestore.ShardIterator(from)
		_, err := ots.GetStreamRecord(&tablestore.GetStreamRecordRequest{ShardIterator: &place,
			Limit: &limit})
		return err
	}
	good := string(*iterator(t, id, string(shard), nil))
	expectRefusal(t, page(string(*stale), 1), trimmed, "already trimmed or does not exist")
	expectRefusal(t, page("no iterator", 1), invalid, "")
	expectRefusal(t, page(good[:len(good)-1], 1), invalid, "")
	expectRefusal(t, page(good, 0), invalid, "limit: 0 is not greater than 0")
	expectRefusal(t, page(good, -1), invalid, "limit: -1 is not greater than 0")
	find := func(stream tablestore.StreamId, shard tablestore.ShardId, timeUs int64, token *string) error {
		_, err := ots.GetShardIterator(&tablestore.GetShardIteratorRequest{StreamId: &stream,
			ShardId: &shard, Timestamp: &timeUs, Token: token})
		return err
	}
	token := "token"
	expectRefusal(t, find(id, shard, -1, nil), invalid, "timestamp: negative")
	expectRefusal(t, find(id, shard, 1, &token), invalid, "token: not one of this service")
	expectRefusal(t, find(id, "no shard", 1, nil), invalid, "")
	expectRefusal(t, find("no stream", shard, 1, nil), invalid, "")
	expectRefusal(t, find(lost, shard, 1, nil), notThere, "Requested stream does not exist.")
	_, err := ots.DescribeStream(&tablestore.DescribeStreamRequest{StreamId: &lost})
	expectRefusal(t, err, notThere, "Requested stream does not exist.")
}
