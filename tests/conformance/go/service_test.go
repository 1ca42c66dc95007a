// Package conformance tests an instance through the official Go SDK, as it is published.
//
// The environment tells where things are: OTS_CONFIG is a configuration file of otsfs with one data
// source, OTS_ADMIN the Unix socket of its otslocal, which was started with --admin. OTS_TLS_CONFIG
// is the same for an instance that speaks TLS with the certificate OTS_TLS_CA.
package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore/otsprotocol"
)

const (
	timeMaxUs = math.MaxInt64
	mib       = 1024 * 1024
	day       = 86400
)

// A code of the service with its HTTP status.
type code struct {
	name   string
	status int
}

var (
	invalid      = code{"OTSParameterInvalid", 400}
	unsupported  = code{"OTSUnsupportedOperation", 400}
	invalidKey   = code{"OTSInvalidPK", 400}
	authFailed   = code{"OTSAuthFailed", 403}
	checkFailed  = code{"OTSConditionCheckFail", 403}
	quota        = code{"OTSQuotaExhausted", 403}
	notThere     = code{"OTSObjectNotExist", 404}
	trimmed      = code{"OTSTrimmedDataAccess", 404}
	alreadyThere = code{"OTSObjectAlreadyExist", 409}
	busy         = code{"OTSServerBusy", 503}
)

// How to reach an instance.
type source struct {
	Endpoint     string
	InstanceName string
	AccessID     string `json:"accessId"`
	AccessKey    string
}

func sourceOf(t testing.TB, variable string) source {
	t.Helper()
	var known struct{ Datasources []source }
	content, err := os.ReadFile(os.Getenv(variable))
	if err == nil {
		err = json.Unmarshal(content, &known)
	}
	if err != nil || len(known.Datasources) != 1 {
		t.Fatalf("%s does not name a configuration with one data source: %v", variable, err)
	}
	return known.Datasources[0]
}

// The SDK's defaults, but that it does not try again.
func settings() *tablestore.TableStoreConfig {
	config := tablestore.NewDefaultTableStoreConfig()
	config.RetryTimes = 0
	return config
}

func (from source) series(config *tablestore.TableStoreConfig) *tablestore.TimeseriesClient {
	return tablestore.NewTimeseriesClientWithConfig(from.Endpoint, from.InstanceName, from.AccessID,
		from.AccessKey, "", config, nil)
}

func (from source) wide(config *tablestore.TableStoreConfig) *tablestore.TableStoreClient {
	return tablestore.NewClientWithConfig(from.Endpoint, from.InstanceName, from.AccessID,
		from.AccessKey, "", config)
}

func seriesClient(t testing.TB) *tablestore.TimeseriesClient {
	return sourceOf(t, "OTS_CONFIG").series(settings())
}

func wideClient(t testing.TB) *tablestore.TableStoreClient {
	return sourceOf(t, "OTS_CONFIG").wide(settings())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, what string, got, wanted interface{}) {
	t.Helper()
	if !reflect.DeepEqual(got, wanted) {
		t.Fatalf("%s: got %s, wanted %s", what, short(got), short(wanted))
	}
}

func short(value interface{}) string {
	text := fmt.Sprintf("%#v", value)
	if len(text) > 1000 {
		text = text[:1000] + "..."
	}
	return text
}

// The service refuses with this code, and its message says `text`. The test goes on if not: one
// refusal seldom depends on another.
func expectRefusal(t testing.TB, err error, wanted code, text string) {
	t.Helper()
	var refusal *tablestore.OtsError
	if !errors.As(err, &refusal) {
		t.Errorf("wanted %s %q, got %v", wanted.name, text, err)
		return
	}
	if got := (code{refusal.Code, refusal.HttpStatusCode}); got != wanted {
		t.Errorf("wanted %v, got %v: %q", wanted, got, refusal.Message)
	}
	if !strings.Contains(refusal.Message, text) {
		t.Errorf("%s says %q, not %q", refusal.Code, refusal.Message, text)
	}
	if refusal.RequestId == "" {
		t.Errorf("a refusal without a request id: %q", refusal.Message)
	}
}

// ---- tables and timelines ----

func tableMeta(name string, timeToLive int64) *tablestore.TimeseriesTableMeta {
	meta := tablestore.NewTimeseriesTableMeta(name)
	meta.SetTimeseriesTableOptions(tablestore.NewTimeseriesTableOptions(timeToLive))
	return meta
}

func createTable(ots *tablestore.TimeseriesClient, meta *tablestore.TimeseriesTableMeta) error {
	request := tablestore.NewCreateTimeseriesTableRequest()
	request.SetTimeseriesTableMeta(meta)
	_, err := ots.CreateTimeseriesTable(request)
	return err
}

func deleteTable(ots *tablestore.TimeseriesClient, name string) error {
	_, err := ots.DeleteTimeseriesTable(tablestore.NewDeleteTimeseriesTableRequest(name))
	return err
}

// A table of the test's own, and a client for it.
func newTable(t testing.TB, meta *tablestore.TimeseriesTableMeta) *tablestore.TimeseriesClient {
	t.Helper()
	ots := seriesClient(t)
	must(t, createTable(ots, meta))
	t.Cleanup(func() {
		if err := deleteTable(ots, meta.GetTimeseriesTableName()); err != nil {
			t.Error(err)
		}
	})
	return ots
}

type tags map[string]string

func key(measurement, source string, has tags) *tablestore.TimeseriesKey {
	series := tablestore.NewTimeseriesKey()
	series.SetMeasurementName(measurement)
	series.SetDataSource(source)
	series.AddTags(has)
	return series
}

// A key in a form that can be compared and sorted.
func identity(series *tablestore.TimeseriesKey) string {
	var parts []string
	for name, value := range series.GetTags() {
		parts = append(parts, fmt.Sprintf("%q=%q", name, value))
	}
	sort.Strings(parts)
	return fmt.Sprintf("%q %q %s", series.GetMeasurementName(), series.GetDataSource(),
		strings.Join(parts, ","))
}

// ---- rows ----

type fields map[string]interface{}

// A value as the SDK wants it: int64, float64, bool, string or []byte.
func column(value interface{}) *tablestore.ColumnValue {
	kind := map[reflect.Kind]tablestore.ColumnType{
		reflect.Int64: tablestore.ColumnType_INTEGER, reflect.Float64: tablestore.ColumnType_DOUBLE,
		reflect.Bool: tablestore.ColumnType_BOOLEAN, reflect.String: tablestore.ColumnType_STRING,
		reflect.Slice: tablestore.ColumnType_BINARY,
	}[reflect.TypeOf(value).Kind()]
	return tablestore.NewColumnValue(kind, value)
}

func row(series *tablestore.TimeseriesKey, timeUs int64, has fields) *tablestore.TimeseriesRow {
	made := tablestore.NewTimeseriesRow(series)
	made.SetTimeInus(timeUs)
	for name, value := range has {
		made.AddField(name, column(value))
	}
	return made
}

func put(ots *tablestore.TimeseriesClient, table string, rows ...*tablestore.TimeseriesRow) error {
	request := tablestore.NewPutTimeseriesDataRequest(table)
	request.AddTimeseriesRows(rows...)
	response, err := ots.PutTimeseriesData(request)
	if err == nil && len(response.GetFailedRowResults()) > 0 {
		err = fmt.Errorf("%d rows failed", len(response.GetFailedRowResults()))
	}
	return err
}

// Run a test with each form of rows in puts that the SDK has.
func eachFormat(t *testing.T, test func(t *testing.T)) {
	before := tablestore.RowsSerializeType
	defer func() { tablestore.RowsSerializeType = before }()
	for _, format := range []struct {
		name string
		form otsprotocol.RowsSerializeType
	}{
		{"flatbuffers", otsprotocol.RowsSerializeType_RST_FLAT_BUFFER},
		{"protobuf", otsprotocol.RowsSerializeType_RST_PROTO_BUFFER},
	} {
		tablestore.RowsSerializeType = format.form
		t.Run(format.name, test)
	}
}

// A value with its type, bit for bit: NaN is not equal to itself.
func exact(value interface{}) string {
	if number, is := value.(float64); is {
		return fmt.Sprintf("float64 %016x", math.Float64bits(number))
	}
	return fmt.Sprintf("%T %#v", value, value)
}

func exactly(has fields) map[string]string {
	all := map[string]string{}
	for name, value := range has {
		all[name] = exact(value)
	}
	return all
}

func fieldsOf(got *tablestore.TimeseriesRow) fields {
	all := fields{}
	for name, value := range got.GetFieldsMap() {
		all[name] = value.Value
	}
	return all
}

func getRequest(table string, series *tablestore.TimeseriesKey, begin, end int64,
) *tablestore.GetTimeseriesDataRequest {
	request := tablestore.NewGetTimeseriesDataRequest(table)
	request.SetTimeseriesKey(series)
	request.SetTimeRange(begin, end)
	return request
}

// Every row that a request is for, page by page.
func getAll(t testing.TB, ots *tablestore.TimeseriesClient,
	request *tablestore.GetTimeseriesDataRequest) []*tablestore.TimeseriesRow {
	t.Helper()
	var rows []*tablestore.TimeseriesRow
	for {
		page, err := ots.GetTimeseriesData(request)
		must(t, err)
		rows = append(rows, page.GetRows()...)
		if page.GetNextToken() == nil {
			return rows
		}
		request.SetNextToken(page.GetNextToken())
	}
}

func get(t testing.TB, ots *tablestore.TimeseriesClient, table string,
	series *tablestore.TimeseriesKey) []*tablestore.TimeseriesRow {
	t.Helper()
	return getAll(t, ots, getRequest(table, series, 0, timeMaxUs))
}

func times(rows []*tablestore.TimeseriesRow) []int64 {
	all := []int64{}
	for _, got := range rows {
		all = append(all, got.GetTimeInus())
	}
	return all
}

// begin, begin + 1, ... end - 1, or down from begin to end + 1.
func numbers(begin, end int64) []int64 {
	all := []int64{}
	for ; begin < end; begin++ {
		all = append(all, begin)
	}
	for ; begin > end; begin-- {
		all = append(all, begin)
	}
	return all
}

func nowUs() int64 {
	return time.Now().UnixNano() / 1000
}
