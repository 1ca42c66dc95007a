package conformance

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
)

type comparison struct {
	operator tablestore.MetaQuerySingleOperator
	compare  func(a, b string) bool
}

var comparisons = []comparison{
	{tablestore.OP_EQUAL, func(a, b string) bool { return a == b }},
	{tablestore.OP_GREATER_THAN, func(a, b string) bool { return a > b }},
	{tablestore.OP_GREATER_EQUAL, func(a, b string) bool { return a >= b }},
	{tablestore.OP_LESS_THAN, func(a, b string) bool { return a < b }},
	{tablestore.OP_LESS_EQUAL, func(a, b string) bool { return a <= b }},
	{tablestore.OP_PREFIX, strings.HasPrefix},
}

// A timeline with its attributes.
type timeline struct {
	key        *tablestore.TimeseriesKey
	attributes tags
}

// A table with timelines of all kinds, and what is in it.
func newTimelines(t testing.TB) (*tablestore.TimeseriesClient, []timeline) {
	t.Helper()
	ots := newTable(t, tableMeta("meta", -1))
	var all []timeline
	for _, measurement := range []string{"cpu", "cpu_load", "mem", "温度"} {
		for _, source := range []string{"", "host_1", "host_2"} {
			for _, system := range []string{"linux", "linux-rt", "windows"} {
				series := key(measurement, source, tags{"os": system, "n": fmt.Sprint(len(all))})
				attributes := tags{}
				if len(all)%2 == 0 {
					attributes["owner"] = []string{"me", "me, too", "you"}[len(all)/2%3]
				}
				all = append(all, timeline{series, attributes})
			}
		}
	}
	all = append(all, timeline{key("bare", "", nil), tags{}}, timeline{key("bare", "h", nil), tags{}})
	var metas []*tablestore.TimeseriesMeta
	for _, each := range all {
		must(t, put(ots, "meta", row(each.key, 1, fields{"x": int64(1)})))
		meta := tablestore.NewTimeseriesMeta(each.key)
		meta.AddAttributes(each.attributes)
		metas = append(metas, meta)
	}
	must(t, updateMeta(ots, metas...))
	return ots, all
}

func updateMeta(ots *tablestore.TimeseriesClient, metas ...*tablestore.TimeseriesMeta) error {
	request := tablestore.NewUpdateTimeseriesMetaRequest("meta")
	request.AddTimeseriesMetas(metas...)
	response, err := ots.UpdateTimeseriesMeta(request)
	if err == nil && len(response.GetFailedRowResults()) > 0 {
		err = response.GetFailedRowResults()[0].Error
	}
	return err
}

func deleteMeta(ots *tablestore.TimeseriesClient, keys ...*tablestore.TimeseriesKey) error {
	request := tablestore.NewDeleteTimeseriesMetaRequest("meta")
	request.AddTimeseriesKeys(keys...)
	response, err := ots.DeleteTimeseriesMeta(request)
	if err == nil && len(response.GetFailedRowResults()) > 0 {
		err = response.GetFailedRowResults()[0].Error
	}
	return err
}

func queryRequest(condition tablestore.MetaQueryCondition, limit int32,
) *tablestore.QueryTimeseriesMetaRequest {
	request := tablestore.NewQueryTimeseriesMetaRequest("meta")
	if condition != nil {
		request.SetCondition(condition)
	}
	request.SetLimit(limit)
	return request
}

// Every record that matches, page by page.
func query(t testing.TB, ots *tablestore.TimeseriesClient, condition tablestore.MetaQueryCondition,
	limit int32) []*tablestore.TimeseriesMeta {
	t.Helper()
	var all []*tablestore.TimeseriesMeta
	request := queryRequest(condition, limit)
	for {
		page, err := ots.QueryTimeseriesMeta(request)
		must(t, err)
		if limit > 0 && len(page.GetTimeseriesMetas()) > int(limit) {
			t.Fatalf("%d records in a page of %d", len(page.GetTimeseriesMetas()), limit)
		}
		all = append(all, page.GetTimeseriesMetas()...)
		if len(page.GetNextToken()) == 0 {
			return all
		}
		request.SetNextToken(page.GetNextToken())
	}
}

func identities(metas []*tablestore.TimeseriesMeta) []string {
	all := []string{}
	for _, meta := range metas {
		all = append(all, identity(meta.GetTimeseriesKey()))
	}
	sort.Strings(all)
	return all
}

func matching(all []timeline, isWanted func(timeline) bool) []string {
	wanted := []string{}
	for _, each := range all {
		if isWanted(each) {
			wanted = append(wanted, identity(each.key))
		}
	}
	sort.Strings(wanted)
	return wanted
}

// The condition finds what it should, and its total is right.
func check(t testing.TB, ots *tablestore.TimeseriesClient, all []timeline,
	condition tablestore.MetaQueryCondition, isWanted func(timeline) bool) {
	t.Helper()
	wanted := matching(all, isWanted)
	expect(t, "records", identities(query(t, ots, condition, -1)), wanted)
	request := queryRequest(condition, 1)
	request.SetTotalHits(true)
	page, err := ots.QueryTimeseriesMeta(request)
	must(t, err)
	expect(t, "total", page.GetTotalHits(), int64(len(wanted)))
}

func TestConditionOperators(t *testing.T) {
	ots, all := newTimelines(t)
	for _, kind := range []struct {
		name   string
		make   func(tablestore.MetaQuerySingleOperator, string) tablestore.MetaQueryCondition
		part   func(timeline) (string, bool)
		values []string
	}{
		{"measurement", func(operator tablestore.MetaQuerySingleOperator, value string) tablestore.MetaQueryCondition {
			return tablestore.NewMeasurementQueryCondition(operator, value)
		}, func(of timeline) (string, bool) {
			return of.key.GetMeasurementName(), true
		}, []string{"", "cp", "cpu", "cpu_load", "mem", "温", "温度", "zzz"}},
		{"source", func(operator tablestore.MetaQuerySingleOperator, value string) tablestore.MetaQueryCondition {
			return tablestore.NewDataSourceMetaQueryCondition(operator, value)
		}, func(of timeline) (string, bool) {
			return of.key.GetDataSource(), true
		}, []string{"", "h", "host", "host_1", "host_9"}},
		{"tag", func(operator tablestore.MetaQuerySingleOperator, value string) tablestore.MetaQueryCondition {
			return tablestore.NewTagMetaQueryCondition(operator, "os", value)
		}, func(of timeline) (string, bool) {
			value, has := of.key.GetTags()["os"]
			return value, has
		}, []string{"", "linux", "linux-rt", "m", "windows"}},
		{"attribute", func(operator tablestore.MetaQuerySingleOperator, value string) tablestore.MetaQueryCondition {
			return tablestore.NewAttributeMetaQueryCondition(operator, "owner", value)
		}, func(of timeline) (string, bool) {
			value, has := of.attributes["owner"]
			return value, has
		}, []string{"", "me", "me, too", "n", "you"}},
	} {
		for _, each := range comparisons {
			t.Run(kind.name+"_"+each.operator.String(), func(t *testing.T) {
				for _, value := range kind.values {
					check(t, ots, all, kind.make(each.operator, value), func(of timeline) bool {
						got, has := kind.part(of)
						return has && each.compare(got, value)
					})
				}
			})
		}
	}
}

func TestConditionUpdateTime(t *testing.T) {
	began := nowUs()
	ots, all := newTimelines(t)
	early, late := began-600e6, nowUs()+600e6
	for _, each := range []struct {
		operator tablestore.MetaQuerySingleOperator
		timeUs   int64
		isAll    bool
	}{
		{tablestore.OP_GREATER_THAN, early, true}, {tablestore.OP_GREATER_EQUAL, late, false},
		{tablestore.OP_LESS_THAN, early, false}, {tablestore.OP_LESS_EQUAL, late, true},
		{tablestore.OP_EQUAL, early, false},
	} {
		check(t, ots, all, tablestore.NewUpdateTimeMetaQueryCondition(each.operator, each.timeUs),
			func(timeline) bool { return each.isAll })
	}
	first := query(t, ots, nil, -1)[0].GetUpdateTimeInUs()
	if first < began-60e6 || first > nowUs()+60e6 {
		t.Fatalf("updated at %d, now it is %d", first, nowUs())
	}
	found := query(t, ots, tablestore.NewUpdateTimeMetaQueryCondition(tablestore.OP_EQUAL, first), -1)
	expect(t, "update time", found[0].GetUpdateTimeInUs(), first)
	_, err := ots.QueryTimeseriesMeta(queryRequest(
		tablestore.NewUpdateTimeMetaQueryCondition(tablestore.OP_PREFIX, first), -1))
	expectRefusal(t, err, invalid, "condition: an update time has no prefix")
}

func TestConditionLogic(t *testing.T) {
	ots, all := newTimelines(t)
	and, or, not := tablestore.OP_AND, tablestore.OP_OR, tablestore.OP_NOT
	logic := tablestore.NewCompositeMetaQueryCondition
	measurement := func(name string) tablestore.MetaQueryCondition {
		return tablestore.NewMeasurementQueryCondition(tablestore.OP_EQUAL, name)
	}
	source := func(name string) tablestore.MetaQueryCondition {
		return tablestore.NewDataSourceMetaQueryCondition(tablestore.OP_EQUAL, name)
	}
	linux := tablestore.NewTagMetaQueryCondition(tablestore.OP_PREFIX, "os", "linux")
	is := func(of timeline, measurement, source string) bool {
		return of.key.GetMeasurementName() == measurement && of.key.GetDataSource() == source
	}
	isLinux := func(of timeline) bool { return strings.HasPrefix(of.key.GetTags()["os"], "linux") }
	check(t, ots, all, logic(and, measurement("cpu"), source("host_1"), linux),
		func(of timeline) bool { return is(of, "cpu", "host_1") && isLinux(of) })
	check(t, ots, all, logic(or, measurement("温度"), source("host_2"), linux),
		func(of timeline) bool {
			return of.key.GetMeasurementName() == "温度" || of.key.GetDataSource() == "host_2" ||
				isLinux(of)
		})
	check(t, ots, all, logic(not, linux), func(of timeline) bool { return !isLinux(of) })
	check(t, ots, all, logic(or, logic(and, measurement("mem"), source("host_1")),
		logic(and, measurement("cpu"), source(""), logic(not, linux))),
		func(of timeline) bool {
			return is(of, "mem", "host_1") || is(of, "cpu", "") && !isLinux(of)
		})
	deep := measurement("cpu")
	for i := 1; i < 16; i++ {
		deep = logic(and, deep)
	}
	check(t, ots, all, deep, func(of timeline) bool {
		return of.key.GetMeasurementName() == "cpu"
	})
	deep = logic(and, deep)
	for text, bad := range map[string]tablestore.MetaQueryCondition{
		"condition: nested more than 16 deep":       deep,
		"condition: AND and OR need sub-conditions": logic(or),
		"condition: ": logic(not, linux, linux),
	} {
		_, err := ots.QueryTimeseriesMeta(queryRequest(bad, -1))
		expectRefusal(t, err, invalid, text)
	}
}

func TestMetaPages(t *testing.T) {
	ots, all := newTimelines(t)
	everything := matching(all, func(timeline) bool { return true })
	for _, limit := range []int32{1, 7, int32(len(all)) - 1, int32(len(all)), 5000, 5001} {
		expect(t, fmt.Sprint("pages of ", limit), identities(query(t, ots, nil, limit)), everything)
	}
	page, err := ots.QueryTimeseriesMeta(queryRequest(nil, int32(len(all))))
	must(t, err)
	expect(t, "token behind the last record", len(page.GetNextToken()), 0)
	page, err = ots.QueryTimeseriesMeta(queryRequest(nil, 1))
	must(t, err)
	request := queryRequest(tablestore.NewMeasurementQueryCondition(tablestore.OP_EQUAL, "cpu"), 1)
	request.SetNextToken(page.GetNextToken())
	_, err = ots.QueryTimeseriesMeta(request)
	expectRefusal(t, err, invalid, "token: of another condition")
	request.SetNextToken([]byte("not a token"))
	_, err = ots.QueryTimeseriesMeta(request)
	expectRefusal(t, err, invalid, "token: ")
}

func TestMetaAttributes(t *testing.T) {
	ots, all := newTimelines(t)
	for _, meta := range query(t, ots, nil, -1) {
		for _, each := range all {
			if identity(each.key) == identity(meta.GetTimeseriesKey()) {
				expect(t, "attributes", tags(meta.GetAttributes()), each.attributes)
			}
		}
	}
	fresh := tablestore.NewTimeseriesMeta(key("fresh", "s", tags{"a": "b"}))
	fresh.AddAttributes(tags{"k": "温度 \t, x", "l": strings.Repeat("v", 1000)})
	must(t, updateMeta(ots, fresh))
	condition := tablestore.NewMeasurementQueryCondition(tablestore.OP_EQUAL, "fresh")
	expect(t, "attributes", query(t, ots, condition, -1)[0].GetAttributes(), fresh.GetAttributes())
	expect(t, "rows of a mere record", len(get(t, ots, "meta", fresh.GetTimeseriesKey())), 0)
	other := tablestore.NewTimeseriesMeta(fresh.GetTimeseriesKey())
	other.AddAttribute("m", "only")
	must(t, updateMeta(ots, other))
	expect(t, "attributes", query(t, ots, condition, -1)[0].GetAttributes(), other.GetAttributes())
}

func TestMetaDeletion(t *testing.T) {
	ots, all := newTimelines(t)
	gone := all[3].key
	must(t, deleteMeta(ots, gone, key("none", "", nil)))
	left := matching(all, func(of timeline) bool { return identity(of.key) != identity(gone) })
	expect(t, "records", identities(query(t, ots, nil, -1)), left)
	expect(t, "rows", times(get(t, ots, "meta", gone)), []int64{1})
	must(t, put(ots, "meta", row(gone, 2, fields{"x": int64(1)})))
	expect(t, "records", len(query(t, ots, nil, -1)), len(all))
}

func TestMetaRefusals(t *testing.T) {
	ots := newTable(t, tableMeta("meta", -1))
	for text, bad := range map[string]*tablestore.TimeseriesKey{
		"measurement: empty":               key("", "", nil),
		"measurement: contains '#', white": key("a b", "", nil),
		"data source: 257 bytes":           key("m", strings.Repeat("s", 257), nil),
		"tags: 513 bytes as text": key("m", "", tags{strings.Repeat("k", 100): strings.Repeat(
			"v", 408)}),
	} {
		good := key("good", "", nil)
		expectRefusal(t, updateMeta(ots, tablestore.NewTimeseriesMeta(good),
			tablestore.NewTimeseriesMeta(bad)), invalid, text)
		expectRefusal(t, deleteMeta(ots, good, bad), invalid, text)
	}
	// as text ["k=v..."]
	large := tablestore.NewTimeseriesMeta(key("m", "", nil))
	large.AddAttribute("k", strings.Repeat("v", 16*1024-5))
	expectRefusal(t, updateMeta(ots, large), invalid,
		"attributes: 16385 bytes as text instead of at most 16384")
	large.AddAttribute("k", strings.Repeat("v", 16*1024-6))
	must(t, updateMeta(ots, large))
	must(t, deleteMeta(ots, large.GetTimeseriesKey()))
	var metas []*tablestore.TimeseriesMeta
	var keys []*tablestore.TimeseriesKey
	for i := 0; i < 1001; i++ {
		keys = append(keys, key("m", fmt.Sprint(i), nil))
		metas = append(metas, tablestore.NewTimeseriesMeta(keys[i]))
	}
	text := "1001 timelines instead of 1 to 1000"
	expectRefusal(t, updateMeta(ots, metas...), invalid, text)
	expectRefusal(t, deleteMeta(ots, keys...), invalid, text)
	expect(t, "records", len(query(t, ots, nil, -1)), 0)
	must(t, updateMeta(ots, metas[:1000]...))
	expect(t, "records", len(query(t, ots, nil, 999)), 1000)
	must(t, deleteMeta(ots, keys[:1000]...))
	expect(t, "records", len(query(t, ots, nil, -1)), 0)
}
