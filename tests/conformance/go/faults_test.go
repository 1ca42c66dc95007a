package conformance

import (
	"errors"
	"testing"
	"time"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
)

// A client that tries again as the SDK does by itself, and how often it did.
func patientClient(t testing.TB) (*tablestore.TimeseriesClient, *int) {
	t.Helper()
	tries := new(int)
	ots := sourceOf(t, "OTS_CONFIG").series(nil)
	ots.RetryNotify = func(_, _ string, _ error, _ string, _ time.Duration) { *tries++ }
	return ots, tries
}

func TestFailedRows(t *testing.T) {
	ots := newTable(t, tableMeta("failing", -1))
	eachFormat(t, func(t *testing.T) {
		setFaults(t, `{"rules": [{"failed_rows": [0, 2], "code": "OTSServerBusy", "message": "later"}]}`)
		series := key("m", t.Name(), nil)
		request := tablestore.NewPutTimeseriesDataRequest("failing")
		for at := int64(0); at < 4; at++ {
			request.AddTimeseriesRows(row(series, at, one))
		}
		answer, err := ots.PutTimeseriesData(request)
		must(t, err)
		failed := answer.GetFailedRowResults()
		expect(t, "failed rows", len(failed), 2)
		for i, wanted := range []int32{0, 2} {
			expect(t, "index", failed[i].Index, wanted)
			expect(t, "code", failed[i].ErrorCode, "OTSServerBusy")
			expect(t, "error", failed[i].Error.Error(), "ErrorCode: OTSServerBusy, Message: later")
		}
		expect(t, "stored", times(get(t, ots, "failing", series)), []int64{1, 3})
	})
}

func TestRefusalsOnPurpose(t *testing.T) {
	newTable(t, tableMeta("failing", -1))
	for _, name := range []string{"OTSServerBusy", "OTSTableNotReady", "OTSPartitionUnavailable",
		"OTSStorageServerBusy", "OTSRowOperationConflict", "OTSNotEnoughCapacityUnit"} {
		t.Run(name, func(t *testing.T) {
			setFaults(t, `{"rules": [{"action": "PutTimeseriesData", "code": "`+name+`", "times": 3}]}`)
			put1 := func(ots *tablestore.TimeseriesClient) error {
				return put(ots, "failing", row(key("m", "", nil), 1, one))
			}
			var refusal *tablestore.OtsError
			if err := put1(seriesClient(t)); !errors.As(err, &refusal) || refusal.Code != name {
				t.Fatalf("wanted %s, got %v", name, err)
			}
			ots, tries := patientClient(t)
			must(t, put1(ots))
			expect(t, "tries more", *tries, 2)
		})
	}
	setFaults(t, `{"rules": [{"action": "PutTimeseriesData", "code": "OTSInternalServerError"}]}`)
	ots, tries := patientClient(t)
	err := put(ots, "failing", row(key("m", "", nil), 1, one))
	expectRefusal(t, err, code{"OTSInternalServerError", 500}, "")
	expect(t, "tries more of what may have been done", *tries, 0)
}

// The SDK sends a request again when the connection ends without an answer, also a put.
func TestCutConnections(t *testing.T) {
	newTable(t, tableMeta("failing", -1))
	series := key("m", "", nil)
	for _, cut := range []string{`"before"`, `"after"`} {
		setFaults(t, `{"rules": [{"action": "PutTimeseriesData", "cut": `+cut+`, "times": 1}]}`)
		ots, tries := patientClient(t)
		must(t, put(ots, "failing", row(series, 1, one)))
		expect(t, "tries more", *tries, 1)
		expect(t, "rows", times(get(t, ots, "failing", series)), []int64{1})
	}
	setFaults(t, `{"rules": [{"action": "GetTimeseriesData", "cut": 5, "times": 1}]}`)
	ots, tries := patientClient(t)
	expect(t, "rows", times(get(t, ots, "failing", series)), []int64{1})
	expect(t, "tries more", *tries, 1)
}

func TestDelay(t *testing.T) {
	ots := newTable(t, tableMeta("failing", -1))
	setFaults(t, `{"rules": [{"action": "PutTimeseriesData", "delay_ms": 200}]}`)
	began := time.Now()
	must(t, put(ots, "failing", row(key("m", "", nil), 1, one)))
	if time.Since(began) < 200*time.Millisecond {
		t.Fatalf("not delayed: %v", time.Since(began))
	}
}

func TestLateTablesAndMetadata(t *testing.T) {
	setFaults(t, `{"table_not_ready_s": 1, "meta_visible_after_s": 1}`)
	ots := newTable(t, tableMeta("late", -1))
	series := key("m", "", nil)
	expectRefusal(t, put(ots, "late", row(series, 1, one)), code{"OTSTableNotReady", 404},
		"The table is not ready.")
	patient, tries := patientClient(t)
	must(t, put(patient, "late", row(series, 1, one)))
	if *tries == 0 {
		t.Fatal("the table was ready at once")
	}
	request := tablestore.NewQueryTimeseriesMetaRequest("late")
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		page, err := ots.QueryTimeseriesMeta(request)
		must(t, err)
		if len(page.GetTimeseriesMetas()) == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the metadata is never seen")
		}
	}
}

func TestClockOffset(t *testing.T) {
	ots := seriesClient(t)
	for _, offset := range []string{"-1000", "1000"} {
		setFaults(t, `{"clock_offset_s": `+offset+`}`)
		_, err := ots.ListTimeseriesTable()
		expectRefusal(t, err, authFailed, "Mismatch between system time and x-ots-date: ")
	}
	setFaults(t, `{"clock_offset_s": 800}`)
	_, err := ots.ListTimeseriesTable()
	must(t, err)
}

// What the service tells of the metadata that a put renewed, the SDK keeps, and sends in return.
func TestMetaCache(t *testing.T) {
	ots := newTable(t, tableMeta("cached", -1))
	eachFormat(t, func(t *testing.T) {
		ots.GetTimeseriesMetaCache().Purge()
		first, second := key("m", t.Name(), nil), key("n", t.Name(), nil)
		must(t, put(ots, "cached", row(first, 1, one), row(first, 2, one), row(second, 1, one)))
		expect(t, "timelines in the cache", ots.GetTimeseriesMetaCache().Len(), 2)
		now := time.Now().Unix()
		for _, name := range ots.GetTimeseriesMetaCache().Keys() {
			kept, _ := ots.GetTimeseriesMetaCache().Get(name)
			if seconds := int64(kept.(uint32)); seconds < now-60 || seconds > now+60 {
				t.Fatalf("updated at %d, now it is %d", seconds, now)
			}
		}
		must(t, put(ots, "cached", row(first, 3, one), row(second, 3, one)))
		expect(t, "times", times(get(t, ots, "cached", first)), []int64{1, 2, 3})
	})
}
