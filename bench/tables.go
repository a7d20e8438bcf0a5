package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-go/holdfast/bench/internal/benchfile"
	"github.com/holdfast-go/holdfast/bench/internal/table"
)

const ours = "Holdfast"

func request(store, scenario, peer string) string {
	return fmt.Sprintf("Request/store=%s/scenario=%s/peer=%s", store, scenario, peer)
}

func (f *results) scenarios(store string) []string {
	return f.Labels("Request/store="+store, "scenario")
}

// peers returns the libraries measured with a store, without the floors.
func (f *results) peers(store string) (peers []string) {
	for _, scenario := range f.scenarios(store) {
		for _, peer := range f.Labels("Request/store="+store+"/scenario="+scenario, "peer") {
			if !isFloor(peer) && !slices.Contains(peers, peer) {
				peers = append(peers, peer)
			}
		}
	}
	return peers
}

func isFloor(peer string) bool { return peer == "floor" || strings.HasPrefix(peer, "bare-") }

// requestTable shows the time of a request by scenario and library. After the time of
// another library it shows its ratio to Holdfast's.
func (f *results) requestTable(store string) string {
	peers := f.peers(store)
	header := append([]string{"time of a request", "floor"}, peers...)
	var rows [][]string
	for _, scenario := range f.scenarios(store) {
		row := []string{scenario, f.Show(request(store, scenario, "floor"), "sec/op", table.Duration)}
		for _, peer := range peers {
			name := request(store, scenario, peer)
			text := f.Show(name, "sec/op", table.Duration)
			if ratio, ok := f.Ratio(name, request(store, scenario, ours), "sec/op"); ok && peer != ours {
				text += fmt.Sprintf(" (%s)", table.Times(ratio))
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return table.Markdown(header, rows)
}

// floorTable compares Holdfast with the floor and with scs.
func (f *results) floorTable(store string) string {
	header := []string{"Holdfast", "over the floor", "times the floor", "scs is slower by", "allocations", "scs's"}
	var rows [][]string
	for _, scenario := range f.scenarios(store) {
		mine, floor, scs := request(store, scenario, ours), request(store, scenario, "floor"), request(store, scenario, "scs")
		over, ok := f.Over(mine, floor, "sec/op")
		ratio, _ := f.Ratio(mine, floor, "sec/op")
		slower, _ := f.Ratio(scs, mine, "sec/op")
		rows = append(rows, []string{
			scenario, table.Cell(over, ok, table.Duration), table.Cell(ratio, ok, table.Times), table.Cell(slower, ok, table.Times),
			f.Show(mine, "allocs/op", table.Whole), f.Show(scs, "allocs/op", table.Whole),
		})
	}
	return table.Markdown(header, rows)
}

func (f *results) allocationTable(store string) string {
	peers := f.peers(store)
	var rows [][]string
	for _, scenario := range f.scenarios(store) {
		row := []string{scenario}
		for _, peer := range peers {
			name := request(store, scenario, peer)
			row = append(row, f.Show(name, "allocs/op", table.Whole)+" / "+f.Show(name, "B/op", table.Whole))
		}
		rows = append(rows, row)
	}
	return table.Markdown(append([]string{"allocations / bytes"}, peers...), rows)
}

// bareTable shows the time of the frameworks without sessions, and the ratio of Holdfast's
// time to the middle one.
func (f *results) bareTable() string {
	row := []string{"a request"}
	for _, peer := range []string{"floor", bareContext, "bare-gin", "bare-fiber"} {
		row = append(row, f.Show(request("memory", "anonymous", peer), "sec/op", table.Duration))
	}
	for _, scenario := range []string{"anonymous", "untouched"} {
		ratio, ok := slower(scenario, bareContext)(f)
		row = append(row, table.Cell(ratio, ok, table.Times))
	}
	return table.Markdown([]string{
		"without sessions", "net/http", "with a value in the context", "gin", "fiber",
		"anonymous, Holdfast to the context", "untouched, the same",
	}, [][]string{row})
}

// splitTable shows the time of a request over a store in the store's calls and elsewhere,
// with floors that do more and more of the work of sessions.
func (f *results) splitTable(store string) string {
	parts := []struct{ label, text string }{
		{"floor", "floor"},
		{"punctual-floor", "floor with deadlines"},
		{"busy-floor", "floor with deadlines and work"},
		{ours, ours},
	}
	var rows [][]string
	for _, scenario := range f.Labels("Split/store="+store, "scenario") {
		name := "Split/store=" + store + "/scenario=" + scenario
		for _, p := range parts {
			write, ok := f.Median(name, p.label+"-write-sec/op")
			rows = append(rows, []string{
				scenario + ": " + p.text,
				f.Show(name, p.label+"-read-sec/op", table.Duration), table.Cell(write, ok && write > 0, table.Duration), f.Show(name, p.label+"-rest-sec/op", table.Duration),
				f.Show(name, p.label+"-times-floor", table.Times),
			})
		}
	}
	return table.Markdown([]string{"where the time goes", "reading", "writing", "the rest", "times the floor"}, rows)
}

// storeTable shows the time of a provider's calls beside those of its driver.
func (f *results) storeTable() string {
	var rows [][]string
	for _, store := range f.Labels("Store", "store") {
		row := []string{store}
		for _, call := range []string{"fetch", "save"} {
			mine, driver := storeName(store, call, ours), storeName(store, call, "driver")
			text := f.Show(mine, "sec/op", table.Duration)
			if ratio, ok := f.Ratio(mine, driver, "sec/op"); ok {
				text += fmt.Sprintf(" (%s)", table.Times(ratio))
			}
			row = append(row, text, f.Show(driver, "sec/op", table.Duration))
		}
		rows = append(rows, append(row, f.Show("StoreSize/store="+store, "B/record", table.Whole)))
	}
	return table.Markdown([]string{"store", "Fetch", "the driver's read", "Save", "the driver's update", "bytes of a record"}, rows)
}

func storeName(store, call, peer string) string {
	return "Store/store=" + store + "/call=" + call + "/peer=" + peer
}

func (f *results) dynamoTable() string {
	var rows [][]string
	for _, scenario := range f.Labels("DynamoDB", "scenario") {
		name := "DynamoDB/scenario=" + scenario
		rows = append(rows, []string{
			scenario, f.Show(name, "trips/op", table.Digits), f.Show(name, "sent-B/op", table.Whole), f.Show(name, "received-B/op", table.Whole),
		})
	}
	return table.Markdown([]string{"DynamoDB", "requests", "bytes sent", "bytes received"}, rows)
}

func (f *results) sessionTable() string {
	var rows [][]string
	for _, n := range f.Labels("Sessions", "n") {
		row := []string{n}
		for _, scenario := range []string{"read", "change"} {
			name := sessionsName(n, scenario)
			text := f.Show(name, "sec/op", table.Duration)
			if ratio, ok := f.Ratio(name, sessionsName("1000", scenario), "sec/op"); ok && n != "1000" {
				text += fmt.Sprintf(" (%s)", table.Times(ratio))
			}
			row = append(row, text)
		}
		rows = append(rows, append(row, f.Show(sessionsName(n, "read"), "overhead-B/session", table.Whole)))
	}
	return table.Markdown([]string{"sessions", "read", "change", "bytes beyond ID and data"}, rows)
}

func sessionsName(n, scenario string) string { return "Sessions/n=" + n + "/scenario=" + scenario }

func (f *results) sweepTable() string {
	stores := []struct{ label, text string }{
		{"live", "nothing to remove"},
		{"expired", "all expired: the save removes 4"},
		{"full", "full of expired records: the save makes room for 64 KiB"},
	}
	var rows [][]string
	for _, n := range f.Labels("Sweep", "n") {
		for _, s := range stores {
			name := "Sweep/n=" + n + "/store=" + s.label
			if _, ok := f.Median(name, "max-sec"); !ok {
				continue
			}
			rows = append(rows, []string{
				n + ", " + s.text,
				f.Show(name, "p50-sec", table.Duration), f.Show(name, "p99-sec", table.Duration), f.Show(name, "max-sec", table.Duration),
			})
		}
	}
	return table.Markdown([]string{"records in the store", "a save", "99th percentile", "longest of 1000"}, rows)
}

func (f *results) keyTable() string {
	var rows [][]string
	for _, n := range f.Labels("Keys", "n") {
		row := []string{n}
		for _, scenario := range []string{"read", "change"} {
			mine, scs := keysName(n, scenario, ours), keysName(n, scenario, "scs")
			ratio, ok := f.Ratio(scs, mine, "sec/op")
			row = append(row, f.Show(mine, "sec/op", table.Duration), f.Show(scs, "sec/op", table.Duration)+" ("+table.Cell(ratio, ok, table.Times)+")")
		}
		rows = append(rows, row)
	}
	return table.Markdown([]string{"keys", "Holdfast reads one", "scs", "Holdfast changes one", "scs"}, rows)
}

func keysName(n, scenario, peer string) string {
	return "Keys/n=" + n + "/scenario=" + scenario + "/peer=" + peer
}

// manyN is the number of visitors of BenchmarkVisitors, beside one.
const manyN = "50000"

// visitorTable compares the read of one of many visitors with that of the only one.
func (f *results) visitorTable() string {
	var rows [][]string
	for _, peer := range f.Labels("Visitors/n="+manyN, "peer") {
		one, many := visitorsName("1", peer), visitorsName(manyN, peer)
		ratio, ok := f.Ratio(many, one, "sec/op")
		rows = append(rows, []string{
			peer, f.Show(one, "sec/op", table.Duration), f.Show(many, "sec/op", table.Duration), table.Cell(ratio, ok, table.Times), f.Show(many, "allocs/op", table.Whole),
		})
	}
	return table.Markdown([]string{"a read", "one visitor", "one of 50,000", "ratio", "allocations"}, rows)
}

func visitorsName(n, peer string) string { return "Visitors/n=" + n + "/peer=" + peer }

func (f *results) signingTable() string {
	var rows [][]string
	for _, n := range f.Labels("SigningKeys", "n") {
		rows = append(rows, []string{n, f.Show("SigningKeys/n="+n, "sec/op", table.Duration), f.Show("SigningKeys/n="+n, "allocs/op", table.Whole)})
	}
	return table.Markdown([]string{"signing keys, cookie of the oldest", "read", "allocations"}, rows)
}

// writerTable shows the saves for each success, and the ratio of the time of parallel
// requests to that of a series of the same requests.
func (f *results) writerTable(instances string) string {
	header := []string{"writers at once"}
	stores := f.Labels("Writers", "store")
	for _, store := range stores {
		header = append(header, store+": saves each", "against a series")
	}
	var rows [][]string
	if len(stores) == 0 {
		return table.Markdown(header, nil)
	}
	for _, n := range f.Labels("Writers/store="+stores[0]+"/instances="+instances, "n") {
		row := []string{n}
		for _, store := range stores {
			name := writersName(store, instances, n)
			against, ok := f.against(name)
			saves := f.Show(name, "saves/success", table.Digits)
			if failed, _ := f.Median(name, "failed/op"); failed > 0 {
				saves += fmt.Sprintf(", %s failed", table.Digits(failed))
			}
			row = append(row, saves, table.Cell(against, ok, table.Times))
		}
		rows = append(rows, row)
	}
	return table.Markdown(header, rows)
}

func writersName(store, instances, n string) string {
	return "Writers/store=" + store + "/instances=" + instances + "/n=" + n
}

// against returns the median of the rounds' ratios of parallel to series.
func (f *results) against(name string) (float64, bool) {
	var ratios []float64
	series := f.Each(name, "series-sec/op")
	for round, parallel := range f.Each(name, "parallel-sec/op") {
		ratios = append(ratios, parallel/series[round])
	}
	return benchfile.Median(ratios)
}

// serverTable shows the results of whole servers under load.
func (f *results) serverTable(scenario string) string {
	var rows [][]string
	for _, peer := range f.Labels("Server/scenario="+scenario, "peer") {
		name := serverName(scenario, peer)
		against, ok := f.Ratio(name, serverName(scenario, ours), "cpu-sec/req")
		text := f.Show(name, "cpu-sec/req", table.Duration)
		if ok && peer != ours {
			text += fmt.Sprintf(" (%s)", table.Times(against))
		}
		rows = append(rows, []string{
			peer, f.Show(name, "req/s", table.Whole), f.Show(name, "p50-sec", table.Duration), f.Show(name, "p99-sec", table.Duration), text,
		})
	}
	return table.Markdown([]string{scenario, "requests a second", "median", "99th percentile", "server's CPU for each"}, rows)
}

func serverName(scenario, peer string) string { return "Server/scenario=" + scenario + "/peer=" + peer }

func (f *results) outageTable() string {
	routes := []struct{ label, text string }{
		{"change", "changes the session"},
		{"untouched", "does not load the session"},
	}
	var rows [][]string
	for _, fault := range f.Labels("Outage", "fault") {
		for _, route := range routes {
			for _, phase := range []string{"before", "during", "after"} {
				name := "Outage/fault=" + fault + "/route=" + route.label + "/phase=" + phase
				rows = append(rows, []string{
					fault + ", " + phase + ": " + route.text,
					f.Show(name, "status200/op", table.Whole), f.Show(name, "status503/op", table.Whole), f.Show(name, "other/op", table.Whole),
					f.Show(name, "p50-sec", table.Duration), f.Show(name, "max-sec", table.Duration), f.Show(name, "recovery-sec", table.Duration),
				})
			}
		}
	}
	return table.Markdown([]string{"Redis", "200", "503", "other", "median", "longest", "first 200 after its return"}, rows)
}
