package capacity

import "math"

// Prices says of when and where the prices are.
const (
	dynamoPrices     = "us-east-1, on demand, of November 2024, https://aws.amazon.com/dynamodb/pricing/on-demand/"
	cloudflarePrices = "Workers Paid plan, of January 2026, https://developers.cloudflare.com/durable-objects/platform/pricing/"
)

// month is what AWS reckons with: 730 hours.
const month = 730 * 60 * 60 // seconds

// Units are the units in which DynamoDB counts.
type Units struct {
	Reads  float64 `json:"reads"`  // a second
	Writes float64 `json:"writes"` // a second
}

// Money is what a service charges for a month.
type Money struct {
	Prices string  `json:"prices"` // of when and where
	Costs  []Cost  `json:"costs"`
	Total  float64 `json:"total"` // US dollars
}

// Cost is one line of a bill.
type Cost struct {
	Name    string  `json:"name"`
	Amount  float64 `json:"amount"` // without what is free
	Per     float64 `json:"per"`    // the amount that has the price
	Price   float64 `json:"price"`  // US dollars
	Dollars float64 `json:"dollars"`
}

// add adds a line for an amount of which some is free.
func (m *Money) add(name string, amount, free, per, price float64) {
	amount = max(0, amount-free)
	c := Cost{Name: name, Amount: amount, Per: per, Price: price, Dollars: amount / per * price}
	m.Costs = append(m.Costs, c)
	m.Total += c.Dollars
}

// DynamoDB counts a read for every 4 KiB begun and a write for every KiB begun of an item:
// see provider/dynamodb. Most calls are for a session, and the others have smaller records.
const (
	dynamoItem    = 107 // bytes besides the data: the ID of 43, "cbor", and about 60
	dynamoIndexed = 100 // bytes more that are stored for each item, by AWS's documentation
)

func dynamoUnits(l Load, r Rates) *Units {
	item := float64(l.Bytes + dynamoItem)
	return &Units{
		Reads:  r.Fetches * math.Ceil(item/(4*kib)),
		Writes: r.Saves * math.Ceil(item/kib),
	}
}

func dynamoMoney(e *Estimate) *Money {
	m := &Money{Prices: dynamoPrices}
	m.add("read request units", e.Units.Reads*month, 0, 1e6, 0.125)
	m.add("write request units", e.Units.Writes*month, 0, 1e6, 0.625)
	m.add("GB stored, above 25 that are free", e.Disk/gib, 25, 1, 0.25)
	return m
}

func cloudflareMoney(e *Estimate) *Money {
	m := &Money{Prices: cloudflarePrices}
	calls := callsOf(e) * month
	m.add("requests of the Worker", calls, 10e6, 1e6, 0.30)
	m.add("requests of the Durable Objects", calls, 1e6, 1e6, 0.15)
	m.add("GB-s of the Durable Objects", cloudflareShards*0.128*month, 400_000, 1e6, 12.50)
	m.add("rows read", calls, 25e9, 1e6, 0.001)
	m.add("rows written", e.Rates.Saves*month, 50e6, 1e6, 1)
	m.add("GB stored, above 5 that are free", e.Disk/1e9, 5, 1, 0.20)
	return m
}
