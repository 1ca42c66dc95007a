package conformance

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore/otsprotocol"
	"github.com/golang/protobuf/proto"
)

// Calls that the SDK cannot make, but whose answers it can read: what has no action in it, and
// members of requests that it leaves out.

// Send a request's bytes, signed, and give the answer's.
func (from source) send(action string, body []byte) ([]byte, error) {
	sum := md5.Sum(body)
	headers := map[string]string{
		"x-ots-accesskeyid":  from.AccessID,
		"x-ots-apiversion":   tablestore.ApiVersion,
		"x-ots-contentmd5":   base64.StdEncoding.EncodeToString(sum[:]),
		"x-ots-date":         time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"x-ots-instancename": from.InstanceName,
	}
	request, err := http.NewRequest("POST", from.Endpoint+"/"+action, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	var lines []string
	for name, value := range headers {
		lines = append(lines, name+":"+value+"\n")
		request.Header.Set(name, value)
	}
	sort.Strings(lines)
	signature := hmac.New(sha1.New, []byte(from.AccessKey))
	fmt.Fprintf(signature, "/%s\nPOST\n\n%s", action, strings.Join(lines, ""))
	request.Header.Set("x-ots-signature",
		base64.StdEncoding.EncodeToString(signature.Sum(nil)))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode == http.StatusOK {
		return answer, err
	}
	refusal := new(otsprotocol.Error)
	if err = proto.Unmarshal(answer, refusal); err != nil {
		return nil, err
	}
	return nil, &tablestore.OtsError{Code: refusal.GetCode(), Message: refusal.GetMessage(),
		RequestId: response.Header.Get("x-ots-requestid"), HttpStatusCode: response.StatusCode}
}

func send(t testing.TB, action string, request proto.Message, answer proto.Message) error {
	t.Helper()
	body, err := proto.Marshal(request)
	must(t, err)
	got, err := sourceOf(t, "OTS_CONFIG").send(action, body)
	if err == nil {
		err = proto.Unmarshal(got, answer)
	}
	return err
}

// A message of the protocol that the SDK does not know, field by field.
type message struct{ proto.Buffer }

func (to *message) text(number uint64, value string) *message {
	_ = to.EncodeVarint(number<<3 | proto.WireBytes)
	_ = to.EncodeStringBytes(value)
	return to
}

func (to *message) number(number uint64, value int64) *message {
	_ = to.EncodeVarint(number<<3 | proto.WireVarint)
	_ = to.EncodeVarint(uint64(value))
	return to
}

// The values of a message's fields that are bytes, by number.
func bytesOf(t testing.TB, encoded []byte) map[uint64][][]byte {
	t.Helper()
	found := map[uint64][][]byte{}
	varint := func() uint64 {
		value, size := binary.Uvarint(encoded)
		if size <= 0 {
			t.Fatal("a malformed message")
		}
		encoded = encoded[size:]
		return value
	}
	for len(encoded) > 0 {
		tag := varint()
		if tag&7 == proto.WireVarint {
			varint()
			continue
		}
		size := varint()
		if tag&7 != proto.WireBytes || size > uint64(len(encoded)) {
			t.Fatal("a malformed message")
		}
		found[tag>>3] = append(found[tag>>3], encoded[:size])
		encoded = encoded[size:]
	}
	return found
}

func split(t testing.TB, table, measurement string, hint int64) ([][]byte, error) {
	t.Helper()
	request := new(message).text(1, table)
	if measurement != "" {
		request.text(2, measurement)
	}
	answer, err := sourceOf(t, "OTS_CONFIG").send("SplitTimeseriesScanTask",
		request.number(3, hint).Bytes())
	return bytesOf(t, answer)[1], err
}

// All rows of a split, page by page, read by the SDK.
func scan(t testing.TB, table string, split []byte, begin, end, limit int64,
) ([]*tablestore.TimeseriesRow, error) {
	t.Helper()
	var rows []*tablestore.TimeseriesRow
	var token []byte
	for {
		request := new(message).text(1, table).number(3, begin).number(4, end).number(6, limit)
		if split != nil {
			request.text(2, string(split))
		}
		if token != nil {
			request.text(8, string(token))
		}
		answer, err := sourceOf(t, "OTS_CONFIG").send("ScanTimeseriesData",
			request.number(9, 1).Bytes())
		if err != nil {
			return nil, err
		}
		found := bytesOf(t, answer)
		page, err := tablestore.CreateGetTimeseriesDataResponse(
			&otsprotocol.GetTimeseriesDataResponse{RowsData: found[2][0]})
		must(t, err)
		if len(page.GetRows()) > int(limit) {
			t.Fatalf("%d rows in a page of %d", len(page.GetRows()), limit)
		}
		rows = append(rows, page.GetRows()...)
		if found[3] == nil {
			return rows, nil
		}
		token = found[3][0]
	}
}

// A call to what steers otslocal; see docs/PROTOCOL.md.
func admin(t testing.TB, path, body string) map[string]interface{} {
	t.Helper()
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("unix", os.Getenv("OTS_ADMIN"))
		}}}
	response, err := client.Post("http://localhost/otslocal/"+path, "", strings.NewReader(body))
	must(t, err)
	defer response.Body.Close()
	answer := map[string]interface{}{}
	content, err := io.ReadAll(response.Body)
	must(t, err)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", path, response.StatusCode, content)
	}
	if len(content) > 0 {
		must(t, json.Unmarshal(content, &answer))
	}
	return answer
}

// Misbehave as the document says, until the test ends.
func setFaults(t testing.TB, document string) {
	t.Helper()
	t.Cleanup(func() { admin(t, "reset", "") })
	admin(t, "faults", document)
}

// ---- what is reached this way ----

func TestSplitAndScan(t *testing.T) {
	ots := newTable(t, tableMeta("scanned", -1))
	wanted := map[string][]string{}
	for number := 0; number < 40; number++ {
		measurement := []string{"cpu", "mem"}[number%2]
		series := key(measurement, fmt.Sprint("s", number), tags{"n": fmt.Sprint(number)})
		var rows []*tablestore.TimeseriesRow
		for at := int64(0); at < 25; at++ {
			rows = append(rows, row(series, at, fields{"x": at, "name": t.Name()}))
			wanted[measurement] = append(wanted[measurement], fmt.Sprint(identity(series), at))
		}
		must(t, put(ots, "scanned", rows...))
	}
	seen := func(rows []*tablestore.TimeseriesRow) []string {
		var all []string
		for _, got := range rows {
			all = append(all, fmt.Sprint(identity(got.GetTimeseriesKey()), got.GetTimeInus()))
			expect(t, "fields", fieldsOf(got), fields{"x": got.GetTimeInus(), "name": t.Name()})
		}
		return all
	}
	everything := append(append([]string{}, wanted["cpu"]...), wanted["mem"]...)
	for measurement, rows := range map[string][]string{"": everything, "cpu": wanted["cpu"]} {
		for _, hint := range []int64{1, 3, 256, 257, 1<<31 - 1} {
			splits, err := split(t, "scanned", measurement, hint)
			must(t, err)
			expect(t, "splits", len(splits), int(math.Min(float64(hint), 256)))
			var got []string
			for _, each := range splits {
				part, err := scan(t, "scanned", each, 0, timeMaxUs, 7)
				must(t, err)
				got = append(got, seen(part)...)
			}
			expectSame(t, got, rows)
		}
	}
	rows, err := scan(t, "scanned", nil, 10, 12, 5000)
	must(t, err)
	expect(t, "rows of two times", len(seen(rows)), 80)
	_, err = split(t, "scanned", "", 0)
	expectRefusal(t, err, invalid, "split count hint: not positive")
	_, err = split(t, "missing", "", 1)
	expectRefusal(t, err, notThere, "Requested table does not exist.")
	_, err = scan(t, "scanned", []byte("no split"), 0, timeMaxUs, 7)
	expectRefusal(t, err, invalid, "split info: ")
	_, err = scan(t, "missing", nil, 0, timeMaxUs, 7)
	expectRefusal(t, err, notThere, "Requested table does not exist.")
}

func expectSame(t testing.TB, got, wanted []string) {
	t.Helper()
	got, wanted = append([]string{}, got...), append([]string{}, wanted...)
	sort.Strings(got)
	sort.Strings(wanted)
	expect(t, "rows", got, wanted)
}

func TestSpecificTime(t *testing.T) {
	_, series := newRows(t, 10)
	request := &otsprotocol.GetTimeseriesDataRequest{
		TableName: proto.String("data"), SpecificTime: proto.Int64(4),
		SupportedTableVersion: proto.Int64(1),
		TimeSeriesKey: &otsprotocol.TimeseriesKey{
			Measurement: proto.String(series.GetMeasurementName()),
			Source:      proto.String(series.GetDataSource()),
			TagList: []*otsprotocol.TimeseriesTag{{Name: proto.String("a"),
				Value: proto.String("b")}}}}
	answer := new(otsprotocol.GetTimeseriesDataResponse)
	must(t, send(t, "GetTimeseriesData", request, answer))
	page, err := tablestore.CreateGetTimeseriesDataResponse(answer)
	must(t, err)
	expect(t, "times", times(page.GetRows()), []int64{4})
	request.BeginTime = proto.Int64(0)
	err = send(t, "GetTimeseriesData", request, answer)
	expectRefusal(t, err, invalid, "specific")
	for _, each := range []struct{ begin, end int64 }{{5, 5}, {6, 5}, {-1, 5}} {
		request.SpecificTime = nil
		request.BeginTime, request.EndTime = proto.Int64(each.begin), proto.Int64(each.end)
		expectRefusal(t, send(t, "GetTimeseriesData", request, answer), invalid, "time")
	}
}

// A put of rows that the SDK built, with what the change does to the request.
func putChanged(t testing.TB, ots *tablestore.TimeseriesClient,
	change func(*otsprotocol.PutTimeseriesDataRequest)) (*otsprotocol.PutTimeseriesDataResponse, error) {
	t.Helper()
	rows, err := tablestore.BuildFlatbufferRows([]*tablestore.TimeseriesRow{
		row(key("changed", "", nil), 1, fields{"x": "1"})}, "data", ots.GetTimeseriesMetaCache())
	must(t, err)
	flat := otsprotocol.RowsSerializeType_RST_FLAT_BUFFER
	request := &otsprotocol.PutTimeseriesDataRequest{TableName: proto.String("data"),
		RowsData: &otsprotocol.TimeseriesRows{Type: &flat, RowsData: rows}}
	change(request)
	answer := new(otsprotocol.PutTimeseriesDataResponse)
	return answer, send(t, "PutTimeseriesData", request, answer)
}

func TestPutWithoutMetadata(t *testing.T) {
	ots := newTable(t, tableMeta("data", -1))
	has := func() int {
		page, err := ots.QueryTimeseriesMeta(tablestore.NewQueryTimeseriesMetaRequest("data"))
		must(t, err)
		return len(page.GetTimeseriesMetas())
	}
	ignore := otsprotocol.MetaUpdateMode_MUM_IGNORE
	answer, err := putChanged(t, ots, func(request *otsprotocol.PutTimeseriesDataRequest) {
		request.MetaUpdateMode = &ignore
	})
	must(t, err)
	expect(t, "updated records", len(answer.GetMetaUpdateStatus().GetRowIds()), 0)
	expect(t, "records", has(), 0)
	expect(t, "rows", len(get(t, ots, "data", key("changed", "", nil))), 1)
	answer, err = putChanged(t, ots, func(*otsprotocol.PutTimeseriesDataRequest) {})
	must(t, err)
	expect(t, "updated records", answer.GetMetaUpdateStatus().GetRowIds(), []uint32{0})
	expect(t, "records", has(), 1)
}

func TestPutForms(t *testing.T) {
	ots := newTable(t, tableMeta("data", -1))
	plain := otsprotocol.RowsSerializeType_RST_PLAIN_BUFFER
	for text, change := range map[string]func(*otsprotocol.PutTimeseriesDataRequest){
		"rows of serialization type 1 are not supported": func(request *otsprotocol.PutTimeseriesDataRequest) {
			request.RowsData.Type = &plain
		},
		"the rows do not fit their CRC": func(request *otsprotocol.PutTimeseriesDataRequest) {
			request.RowsData.FlatbufferCrc32C = proto.Int32(1)
		},
		"put rows: ": func(request *otsprotocol.PutTimeseriesDataRequest) {
			request.RowsData.RowsData = request.RowsData.RowsData[:40]
		},
	} {
		_, err := putChanged(t, ots, change)
		expectRefusal(t, err, invalid, text)
	}
	expect(t, "rows", len(get(t, ots, "data", key("changed", "", nil))), 0)
}
