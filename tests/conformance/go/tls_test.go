package conformance

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"
	"testing"
)

// A transport that trusts the test's certificate and nothing else.
func trusting(t testing.TB, version uint16) *http.Transport {
	t.Helper()
	certificate, err := os.ReadFile(os.Getenv("OTS_TLS_CA"))
	must(t, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(certificate) {
		t.Fatal("no certificate")
	}
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: version,
		MaxVersion: version}}
}

func TestTls(t *testing.T) {
	from := sourceOf(t, "OTS_TLS_CONFIG")
	for name, version := range map[string]uint16{"go_1_2": tls.VersionTLS12,
		"go_1_3": tls.VersionTLS13} {
		config := settings()
		config.Transport = trusting(t, version)
		ots := from.series(config)
		must(t, createTable(ots, tableMeta(name, -1)))
		series := key("m", "温度", tags{"a": "b"})
		large := fields{"s": strings.Repeat("x", mib), "b": everyByte()}
		must(t, put(ots, name, row(series, 1, large)))
		expect(t, "fields", fieldsOf(get(t, ots, name, series)[0]), large)
		must(t, deleteTable(ots, name))
		wide := from.wide(config)
		_, err := wide.ListTable()
		must(t, err)
	}
}

func TestTlsRefusals(t *testing.T) {
	from := sourceOf(t, "OTS_TLS_CONFIG")
	_, err := from.series(settings()).ListTimeseriesTable()
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Fatalf("a certificate of nobody: %v", err)
	}
	old := settings()
	old.Transport = trusting(t, tls.VersionTLS11)
	if _, err = from.series(old).ListTimeseriesTable(); err == nil {
		t.Fatal("TLS 1.1")
	}
	from.Endpoint = strings.Replace(from.Endpoint, "https:", "http:", 1)
	if _, err = from.series(settings()).ListTimeseriesTable(); err == nil {
		t.Fatal("plain HTTP")
	}
}
